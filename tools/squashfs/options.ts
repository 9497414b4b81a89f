import type { ErrorCode } from '../core/index.js';
import type { BlockStore } from './block-store.js';
import { inRange, wrong } from './compressor.js';
import type { SquashfsCompressor } from './compressor.js';
import type { Effort } from './effort.js';

/** How far a pack run is, in bytes of file content. */
export interface SquashfsProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** What decides the bytes of an image, and how the run behaves. */
export interface SquashfsOptions {
  readonly compressor: SquashfsCompressor;
  /** Bytes, a power of two from 4 KiB to 1 MiB; 256 KiB when absent, as in OpenWrt. */
  readonly blockSize?: number;
  /** Time of the image itself, in seconds: the build clock. */
  readonly imageTime: number;
  /** One time for all objects, in seconds; each keeps its own when absent. */
  readonly uniformTime?: number;
  /** Table that lets NFS find inodes by number; false when absent. */
  readonly exportTable?: boolean;
  /** False leaves all xattrs out; true when absent. */
  readonly xattrs?: boolean;
  /** Stores tails of files in shared blocks; true when absent. */
  readonly fragments?: boolean;
  /** Longest tail, in bytes, of a file longer than a block that goes into a fragment; the block size when absent. */
  readonly tailEndLimit?: number;
  /** Work for a smaller image; `normal` when absent. Parameters only of xz, the arrangement of fragments of all. */
  readonly effort?: Effort;
  /** Arranges fragments by similarity (smaller image); true when absent, false keeps path order. */
  readonly similarity?: boolean;
  /** Tries of the arrangement; chosen from the tree when absent. */
  readonly similarityMoves?: number;
  /** Start of the arrangement's random sequence, 0 to 2^32 - 1; 0 when absent. */
  readonly seed?: number;
  /** Pads the image with zero bytes to a multiple of this; no padding when absent. */
  readonly padTo?: number;
  /** Compressor threads; they change nothing in the image. The count of processors when absent. */
  readonly workers?: number;
  /** Also reports where each file's blocks are. */
  readonly layout?: boolean;
  /** Blocks of earlier runs with the same compressor and block size; they change nothing in the image. */
  readonly blockStore?: BlockStore;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SquashfsProgress) => void;
}

/** Something that was changed or left out to make the tree fit the format. */
export interface SquashfsWarning {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Checks everything but the compressor. @throws UsageError FW_USAGE_SQUASHFS_OPTION */
export function checkOptions(options: SquashfsOptions): number {
  const blockSize = options.blockSize ?? 256 * 1024;
  inRange('block size', blockSize, 4096, 1 << 20);
  if (!Number.isInteger(Math.log2(blockSize))) throw wrong('block size', blockSize, 'a power of two');
  const u32 = 0xffff_ffff;
  inRange('image time', options.imageTime, 0, u32);
  inRange('time of all objects', options.uniformTime ?? 0, 0, u32);
  inRange('tail end limit', options.tailEndLimit ?? 0, 0, blockSize);
  inRange('similarity moves', options.similarityMoves ?? 1, 1, 1_000_000_000);
  inRange('seed', options.seed ?? 0, 0, u32);
  inRange('padding', options.padTo ?? 1, 1, 1 << 30);
  inRange('count of workers', options.workers ?? 1, 1, 256);
  return blockSize;
}
