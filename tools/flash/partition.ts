/**
 * Partitions of a chip, as views with the rules of the Linux MTD layer.
 */
import { FlashError } from './errors.js';
import type { Flash } from './flash.js';
import { checkFlashRange } from './geometry.js';
import type { FlashGeometry } from './geometry.js';

/** Where a partition is. */
export interface PartitionRange {
  readonly label: string;
  /** Bytes from the start of the chip. */
  readonly offset: number;
  readonly size: number;
  /** As the board's description says; a range off the erase blocks is read-only all the same. */
  readonly readOnly?: boolean;
}

/**
 * A named range of a flash device, itself a flash device.
 *
 * The kernel's rules: a partition that begins outside the chip cannot be; one that ends outside is cut to the chip;
 * one that does not begin and end on erase blocks of the chip is read-only.
 *
 * @see Linux 6.6 drivers/mtd/mtdpart.c, allocate_partition
 */
export class FlashPartition implements Flash {
  readonly label: string;
  readonly geometry: FlashGeometry;
  readonly readOnly: boolean;
  /** Bytes from the start of the device it is a part of. */
  readonly offset: number;
  /** What the kernel would say about the range: it was cut, or made read-only. */
  readonly notices: readonly string[];
  readonly #device: Flash;
  readonly #aligned: boolean;

  /** @throws FlashError FW_FLASH_RANGE when the range begins outside the device or is empty */
  constructor(device: Flash, range: PartitionRange) {
    const { size: deviceSize, eraseSize } = device.geometry;
    checkFlashRange(`partition "${range.label}"`, range.offset, 1, deviceSize);
    const notices: string[] = [];
    let size = range.size;
    if (range.offset + size > deviceSize) {
      size = deviceSize - range.offset;
      notices.push(
        `partition "${range.label}" extends beyond the end of the device: size truncated to ${size}`,
      );
    }
    checkFlashRange(`partition "${range.label}"`, range.offset, Math.max(size, 1), deviceSize);
    const startAligned = range.offset % eraseSize === 0;
    const endAligned = (range.offset + size) % eraseSize === 0;
    if (!range.readOnly && !startAligned)
      notices.push(`partition "${range.label}" does not start on an erase block boundary: forced read-only`);
    else if (!range.readOnly && !endAligned)
      notices.push(`partition "${range.label}" does not end on an erase block boundary: forced read-only`);
    this.label = range.label;
    this.offset = range.offset;
    this.geometry = { ...device.geometry, size };
    this.#aligned = startAligned && endAligned;
    this.readOnly = (range.readOnly ?? false) || !this.#aligned || device.readOnly;
    this.notices = notices;
    this.#device = device;
  }

  read(offset: number, length: number): Uint8Array {
    this.#checkRange('read', offset, length);
    return this.#device.read(this.offset + offset, length);
  }

  block(index: number): Uint8Array {
    const { eraseSize } = this.geometry;
    this.#checkRange('read', index * eraseSize, eraseSize);
    if (this.#aligned) return this.#device.block(this.offset / eraseSize + index);
    return this.#device.read(this.offset + index * eraseSize, eraseSize);
  }

  program(offset: number, data: Uint8Array): void {
    this.#checkWritable('program');
    this.#checkRange('program', offset, data.length);
    this.#device.program(this.offset + offset, data);
  }

  erase(offset: number): void {
    this.#checkWritable('erase');
    this.#checkRange('erase', offset, this.geometry.eraseSize);
    this.#device.erase(this.offset + offset);
  }

  #checkRange(what: string, offset: number, length: number): void {
    checkFlashRange(`${what} in partition "${this.label}"`, offset, length, this.geometry.size);
  }

  #checkWritable(what: string): void {
    if (this.readOnly)
      throw new FlashError(
        'FW_FLASH_READONLY',
        'EROFS',
        `${what} in partition "${this.label}", which is read-only`,
      );
  }
}
