/**
 * The `mtd` tool: writes an image to a partition erase block by erase block. Settings that are carried along are put into
 * the image before (jffs2/upgrade.ts), which gives the same blocks in the same order.
 *
 * Source: openwrt package/system/mtd (`mtd_write`, `mtd_erase`), branches 19.07 to 25.12
 */
import type { Flash } from '../../flash/index.js';

const endMarker = [0xde, 0xad, 0xc0, 0xde] as const;

/** What `mtd write` did. */
export interface MtdWriteReport {
  /** Erase blocks erased and programmed. */
  readonly blocksWritten: number;
  /** The image did not fit; the tool stopped with an error after writing what fits. */
  readonly outOfSpace: boolean;
}

/** Tells whether an erase block begins with the end marker DE AD C0 DE. */
export function startsWithEndMarker(bytes: Uint8Array): boolean {
  return endMarker.every((byte, i) => bytes[i] === byte);
}

/**
 * Writes an image as the tool does: erase one block, program it, go on; what lies behind stays as it was.
 *
 * @param image  any length; the last block is filled up with FF
 * @throws FlashError when the partition is read-only or the chip fails
 * @throws PowerCut
 */
export function mtdWrite(partition: Flash, image: Uint8Array): MtdWriteReport {
  const { eraseSize, size } = partition.geometry;
  const room = Math.floor(size / eraseSize);
  const wanted = Math.ceil(image.length / eraseSize);
  for (let index = 0; index < Math.min(wanted, room); index += 1) {
    const block = new Uint8Array(eraseSize).fill(0xff);
    block.set(image.subarray(index * eraseSize, (index + 1) * eraseSize));
    partition.erase(index * eraseSize);
    partition.program(index * eraseSize, block);
  }
  return { blocksWritten: Math.min(wanted, room), outOfSpace: wanted > room };
}

/** Erases every block of a partition, from the first up. */
export function mtdErase(partition: Flash): void {
  const { eraseSize, size } = partition.geometry;
  for (let offset = 0; offset + eraseSize <= size; offset += eraseSize) partition.erase(offset);
}

/**
 * Writes bytes at the start of a partition through its block device, as `jffs2mark` and the reset do.
 *
 * The block device is a read-modify-write cache: the first erase block is read, changed, erased, and programmed.
 *
 * @see Linux 6.6 drivers/mtd/mtdblock.c `do_cached_write`, `erase_write`
 */
export function blockDeviceWrite(partition: Flash, data: Uint8Array): void {
  const block = partition.block(0).slice();
  block.set(data);
  partition.erase(0);
  partition.program(0, block);
}

/** Puts the end marker at the start of a partition: the reset of an overlay that is not mounted. */
export function markForFormat(partition: Flash): void {
  blockDeviceWrite(partition, Uint8Array.from(endMarker));
}
