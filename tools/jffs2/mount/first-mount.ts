/** What Linux keeps free on a JFFS2 partition, and what is left for files when it mounts one for the first time. */
import type { FlashGeometry } from '../../flash/index.js';
import { CPU_PAGE_SIZE, HEADER_SIZE } from '../node/layout.js';

/** Fewest erase blocks that Linux mounts; EINVAL below. */
export const MINIMUM_BLOCKS = 5;

/** Free blocks that Linux keeps, and thresholds of its garbage collection. */
export interface Reserves {
  /** A normal write needs more free blocks than this. */
  readonly writeBlocks: number;
  /** A deletion needs at least this. */
  readonly deletionBlocks: number;
  /** Below this the garbage collector starts by itself. */
  readonly gcTriggerBlocks: number;
  /** With more than this garbage collection joins small nodes of a page. */
  readonly gcMergeBlocks: number;
  /** This many very dirty blocks wake the garbage collector; ten times as many where nodes are obsoleted in place. */
  readonly veryDirtyBlocks: number;
  /** With less dirt than this, in bytes, garbage collection is pointless. */
  readonly pointlessDirt: number;
}

/**
 * Computes the reserves of a partition.
 *
 * @see Linux 6.6 fs/jffs2/build.c, jffs2_calc_trigger_levels; the counters of Linux have 8 bits
 */
export function reservesOf(geometry: FlashGeometry): Reserves {
  const { eraseSize } = geometry;
  const blocks = Math.floor(geometry.size / eraseSize);
  const size = blocks * eraseSize;
  const deletionBlocks = 2;
  const overhead = Math.floor(size / 50) + blocks * 100 + eraseSize - 1;
  const writeBlocks = (deletionBlocks + Math.floor(overhead / eraseSize)) & 0xff;
  return {
    writeBlocks,
    deletionBlocks,
    gcTriggerBlocks: (writeBlocks + 1) & 0xff,
    gcMergeBlocks: deletionBlocks + 1,
    veryDirtyBlocks: (writeBlocks + 1) & 0xff,
    pointlessDirt: eraseSize + Math.floor(size / 100),
  };
}

/** Returns the bytes that a cleanmarker takes in the data of each erase block; 0 where it stands in the OOB area. */
export function cleanmarkerSizeOf(geometry: FlashGeometry): number {
  if (geometry.kind === 'nand') return 0;
  return geometry.writeSize <= 1 ? HEADER_SIZE : Math.max(16, geometry.writeSize);
}

/** What is on the partition before its first mount, in bytes of whole or part blocks; all zero when it is blank. */
export interface AreaUse {
  /** Bytes of live nodes. */
  readonly usedBytes: number;
  /** Erase blocks that are bad. */
  readonly badBlocks: number;
}

/** A partition as its first mount will find it. */
export interface FirstMount {
  /** Whole erase blocks. */
  readonly blocks: number;
  /** False below five blocks: Linux answers EINVAL. */
  readonly mountable: boolean;
  /** Blocks that writes may not touch. */
  readonly reserveBlocks: number;
  /** Bytes that statfs tells as available: 0 when nothing but the reserve is left. */
  readonly freeBytes: number;
  /** The same in pages of 4096 bytes: what `df` counts from. */
  readonly freePages: number;
  /** Bytes that nodes may use in all: whole blocks less reserve and cleanmarkers. */
  readonly capacityBytes: number;
}

/**
 * Predicts the first mount of a JFFS2 partition from its geometry and what is on it.
 *
 * A file costs more than its bytes: 68 for each page of 4096 and 40 and its name once.
 *
 * @param use what is there already; absent: blank or behind an end marker, so that all of it will be erased
 * @see SPEC.md "Space"; Linux 6.6 fs/jffs2/build.c and super.c (jffs2_statfs)
 */
export function predictFirstMount(
  geometry: FlashGeometry,
  use: AreaUse = { usedBytes: 0, badBlocks: 0 },
): FirstMount {
  const { eraseSize } = geometry;
  const blocks = Math.floor(geometry.size / eraseSize);
  const reserveBlocks = reservesOf(geometry).writeBlocks;
  const goodBlocks = blocks - use.badBlocks;
  const usable = goodBlocks * (eraseSize - cleanmarkerSizeOf(geometry)) - reserveBlocks * eraseSize;
  const mountable = blocks >= MINIMUM_BLOCKS;
  const capacityBytes = mountable ? Math.max(0, usable) : 0;
  const available = Math.max(0, capacityBytes - use.usedBytes);
  const freePages = Math.floor(available / CPU_PAGE_SIZE);
  const freeBytes = freePages * CPU_PAGE_SIZE;
  return { blocks, mountable, reserveBlocks, freeBytes, freePages, capacityBytes };
}
