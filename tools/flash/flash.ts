import type { FlashGeometry } from './geometry.js';

/**
 * A flash device as a file system sees it: a chip, or a partition of one.
 *
 * Offsets and lengths are bytes from the start of this device. Nothing here waits: an operation is over when the
 * call returns, or it threw.
 */
export interface Flash {
  readonly geometry: FlashGeometry;
  /** When true `program` and `erase` are refused with EROFS. */
  readonly readOnly: boolean;

  /**
   * Copies bytes out.
   *
   * @throws FlashError FW_FLASH_RANGE outside the device; FW_FLASH_READ when the chip cannot read a block
   * @throws PowerCut when the power is off
   */
  read(offset: number, length: number): Uint8Array;

  /**
   * Gives the bytes of one erase block as they are now. The array never changes afterwards, and is the same object
   * as long as the block is the same: a caller may keep what it learnt of a block by the identity of this array.
   *
   * @param index  erase block, counted from the start of this device
   */
  block(index: number): Uint8Array;

  /**
   * Clears the bits that are 0 in `data`.
   *
   * @throws FlashError FW_FLASH_RANGE, FW_FLASH_READONLY; FW_FLASH_PROGRAM_SETS_BITS in strict mode, when a bit would
   *   have to go from 0 to 1; FW_FLASH_PROGRAM when the chip fails
   * @throws PowerCut when the power is cut during the operation or off
   */
  program(offset: number, data: Uint8Array): void;

  /**
   * Sets all bits of the erase block that begins at `offset`.
   *
   * @throws FlashError FW_FLASH_RANGE, FW_FLASH_ALIGNMENT, FW_FLASH_READONLY; FW_FLASH_ERASE when the chip fails
   * @throws PowerCut when the power is cut during the operation or off
   */
  erase(offset: number): void;
}
