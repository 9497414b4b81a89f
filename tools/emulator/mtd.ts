/**
 * The `mtd` tool: writes an image to a partition erase block by erase block, with the settings carried along.
 *
 * Source: openwrt package/system/mtd (`mtd_write`, `mtd_erase`), branches 19.07 to 25.12; the layout of the carried
 * settings is in jffs2/upgrade-insertion.
 */
import type { Flash } from '../flash/index.js';

const endMarker = [0xde, 0xad, 0xc0, 0xde] as const;

/** Blocks that carry the settings, in order of writing; each is one erase block long. */
export type CarrierBlocks = readonly Uint8Array[];

/** What `mtd write` is asked to do. */
export interface MtdWriteOptions {
  /** -j: makes the blocks that carry the settings, for a partition of this erase size. */
  readonly carrier?: (eraseSize: number) => CarrierBlocks;
  /** -s: end markers in the first so many bytes are not looked at. */
  readonly skipMarkers?: number;
}

/** What `mtd write` did. */
export interface MtdWriteReport {
  /** Erase blocks erased and programmed. */
  readonly blocksWritten: number;
  /** Offset of the carried settings in the partition; undefined when none were inserted. */
  readonly carrierOffset: number | undefined;
  /** Carrier blocks that did not fit the partition and were lost without a word. */
  readonly carrierBlocksLost: number;
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
export function mtdWrite(partition: Flash, image: Uint8Array, options: MtdWriteOptions = {}): MtdWriteReport {
  const { eraseSize, size } = partition.geometry;
  let carrier = options.carrier?.(eraseSize);
  let carrierOffset: number | undefined;
  let carrierBlocksLost = 0;
  let skip = 0;
  let target = 0;
  let blocksWritten = 0;

  const writeBlock = (bytes: Uint8Array): boolean => {
    if (target + eraseSize > size) return false;
    partition.erase(target);
    partition.program(target, bytes);
    target += eraseSize;
    blocksWritten += 1;
    return true;
  };

  for (let source = 0; source < image.length; source += eraseSize) {
    if (skip > 0) {
      skip -= 1;
      continue;
    }
    const block = new Uint8Array(eraseSize).fill(0xff);
    block.set(image.subarray(source, source + eraseSize));
    if (carrier && target >= (options.skipMarkers ?? 0) && startsWithEndMarker(block)) {
      carrierOffset = target;
      // Results of these writes are not checked by the tool: what does not fit is lost silently.
      for (const bytes of carrier) if (!writeBlock(bytes)) carrierBlocksLost += 1;
      skip = carrier.length - 1;
      carrier = undefined;
      continue;
    }
    if (!writeBlock(block)) return { blocksWritten, carrierOffset, carrierBlocksLost, outOfSpace: true };
  }
  return { blocksWritten, carrierOffset, carrierBlocksLost, outOfSpace: false };
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
