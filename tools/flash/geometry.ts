import { FlashError } from './errors.js';

/** Shape of a flash chip or of a partition of it; all sizes in bytes. */
export interface FlashGeometry {
  readonly kind: 'nor' | 'nand';
  readonly size: number;
  /** Smallest erasable unit. */
  readonly eraseSize: number;
  /** Smallest programmable unit: 1 on NOR, the page on NAND. */
  readonly writeSize: number;
  /** Spare bytes per NAND page; 0 on NOR. */
  readonly oobSize: number;
}

/** Makes the geometry of a NOR chip or partition. */
export function norGeometry(size: number, eraseSize: number): FlashGeometry {
  return { kind: 'nor', size, eraseSize, writeSize: 1, oobSize: 0 };
}

/**
 * Checks that a geometry can be a whole chip.
 *
 * @throws FlashError FW_FLASH_GEOMETRY when a size is not a positive integer or the chip is not whole erase blocks
 */
export function checkGeometry(geometry: FlashGeometry): void {
  const { size, eraseSize, writeSize } = geometry;
  const sizes = [size, eraseSize, writeSize];
  if (sizes.every((value) => Number.isSafeInteger(value) && value > 0) && size % eraseSize === 0) return;
  throw new FlashError(
    'FW_FLASH_GEOMETRY',
    'EINVAL',
    `a chip of ${size} bytes cannot have erase blocks of ${eraseSize} and a program unit of ${writeSize} bytes`,
    { hint: 'the size must be a whole number of erase blocks', data: { size, eraseSize, writeSize } },
  );
}

/**
 * Checks that a range lies inside a device.
 *
 * @throws FlashError FW_FLASH_RANGE
 */
export function checkFlashRange(what: string, offset: number, length: number, size: number): void {
  if (
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset + length <= size
  )
    return;
  throw new FlashError(
    'FW_FLASH_RANGE',
    'EINVAL',
    `${what} of ${length} bytes at ${offset} is outside the device of ${size} bytes`,
    { data: { offset, length, size } },
  );
}
