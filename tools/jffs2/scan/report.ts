/** What a scan tells besides the tree: parameters, where the bytes are, what was lost and why. */
import type { ByteString } from '../../core/index.js';
import type { Endian } from '../node/layout.js';
import type { EraseSizeSource } from './detect.js';

/**
 * What an erase block is to a mount: `free` holds a cleanmarker alone; `erased` is all FF and will be erased again;
 * `end-marker` and `behind-marker` are taken as erased whatever they hold.
 */
export type BlockState =
  'free' | 'erased' | 'end-marker' | 'behind-marker' | 'clean' | 'partly-dirty' | 'all-dirty';

/** One erase block; the byte counts add up to its size. */
export interface BlockReport {
  /** From the start of the area. */
  readonly offset: number;
  readonly state: BlockState;
  /** Nodes that were live to the scan, rounded to multiples of four, and the cleanmarker. */
  readonly usedBytes: number;
  /** Obsolete and damaged nodes, padding, summaries, foreign bytes. */
  readonly dirtyBytes: number;
  /** Erased space behind the last node. */
  readonly freeBytes: number;
  /** 0: none. */
  readonly cleanmarkerSize: number;
  /** Whether a valid summary was used instead of scanning. */
  readonly summary: boolean;
}

/** Kinds of findings. Those on names, inodes and data mean that something is not in the tree, or not whole. */
export type ScanProblemKind =
  // bytes of a block
  | 'foreign-bytes'
  | 'bad-node'
  | 'wrong-erase-size'
  | 'wrong-endian'
  | 'cleanmarker'
  | 'unknown-node'
  | 'summary'
  | 'erased-gap'
  // names and inodes
  | 'bad-name'
  | 'missing-inode'
  | 'bad-inode'
  | 'directory-linked-twice'
  // content
  | 'bad-data'
  | 'cut-file'
  | 'unsupported-compressor'
  | 'crosses-page'
  | 'xattr';

/** One finding. */
export interface ScanProblem {
  readonly kind: ScanProblemKind;
  /** Place in the area, where there is one. */
  readonly offset?: number;
  readonly path?: ByteString;
  /** One line for people, without a trailing dot. */
  readonly text: string;
}

/** Live bytes of one compressor. */
export interface CompressionUse {
  readonly nodes: number;
  /** Bytes as stored. */
  readonly stored: number;
  /** Bytes once decompressed. */
  readonly content: number;
}

/** Everything a scan found out about an area. */
export interface ScanReport {
  readonly endian: Endian;
  readonly eraseSize: number;
  readonly eraseSizeSource: EraseSizeSource;
  readonly cleanmarkerSize: number;
  /** Bytes of the area. */
  readonly size: number;
  /** First block that starts with DE AD C0 DE. */
  readonly endMarkerOffset?: number;
  readonly blocks: readonly BlockReport[];
  /** Nodes that the scan accepted, by kind; `obsolete` counts those that were made obsolete in place. */
  readonly nodes: Readonly<Record<'dirent' | 'inode' | 'xattr' | 'xref' | 'obsolete', number>>;
  /** Bytes of nodes that the tree needs, cleanmarkers not counted. */
  readonly liveBytes: number;
  /** Bytes of good nodes that newer ones replaced, of deleted files among them. */
  readonly supersededBytes: number;
  readonly dirtyBytes: number;
  readonly freeBytes: number;
  /** Names that a deletion dirent hides. */
  readonly deletedNames: number;
  /** Inodes with nodes but without a name: deleted or never finished. */
  readonly orphans: number;
  /** Live data nodes by the name of their compressor. */
  readonly compression: Readonly<Record<string, CompressionUse>>;
  /** Whether a mainline kernel mounts the area, and if not, its reason. */
  readonly mountable: boolean;
  readonly refusal?: string;
  /** Options of mkfs.jffs2 that make an image of the same kind. */
  readonly mkfsFlags: readonly string[];
  /** In the order found; at most `PROBLEMS_MAX`, `problemCount` counts all. */
  readonly problems: readonly ScanProblem[];
  readonly problemCount: number;
}

/** A damaged area has no end of findings; more than these are counted, not kept. */
const PROBLEMS_MAX = 1000;

/** Collects findings up to a bound. */
export class ProblemList {
  readonly kept: ScanProblem[] = [];
  count = 0;

  add(problem: ScanProblem): void {
    this.count += 1;
    if (this.kept.length < PROBLEMS_MAX) this.kept.push(problem);
  }
}
