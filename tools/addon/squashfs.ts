/**
 * The addon over libsquashfs: a pack run, a spool for contents, the decoding of blocks. See the headers in `native/`
 * for each; `tools/squashfs` is the only user and checks every value before it goes down.
 */
import { loadAddon } from './load.js';

/** Compressor parameters as the addon takes them; those of other compressors are ignored. */
export interface NativeCompressor {
  readonly id: number;
  readonly blockSize: number;
  readonly level: number;
  readonly windowSize: number;
  readonly highCompression: boolean;
  readonly extreme: boolean;
  readonly dictionarySize: number;
  readonly literalContextBits: number;
  readonly literalPositionBits: number;
  readonly positionBits: number;
  readonly branchFilters: number;
  /** xz: six numbers a variant, see XzVariant in `native/squashfs-compressor.h`; at least one variant. */
  readonly variants: Uint32Array;
}

/** Compressed blocks that runs with the same compressor share. */
export interface NativeBlockStore {
  /** Ends the filling: from now on it only answers. */
  seal(): void;
}

/** A tree as columns; `native/squashfs-job.h` tells what each holds. */
export interface NativePackJob {
  readonly types: Uint8Array;
  readonly modes: Uint16Array;
  readonly uids: Uint32Array;
  readonly gids: Uint32Array;
  readonly times: Uint32Array;
  readonly linkCounts: Uint32Array;
  readonly xattrSets: Uint32Array;
  readonly references: Uint32Array;
  readonly counts: Uint32Array;
  readonly parents: Uint32Array;
  readonly entryInodes: Uint32Array;
  readonly entryNameOffsets: Uint32Array;
  readonly names: Uint8Array;
  readonly sourceInodes: Uint32Array;
  readonly sourcePaths: Uint32Array;
  readonly sourceOffsets: Float64Array;
  readonly sourceSizes: Float64Array;
  readonly sourceGroups: Uint32Array;
  readonly pathOffsets: Uint32Array;
  readonly pathNames: Uint8Array;
  readonly xattrs: readonly (readonly { readonly name: Uint8Array; readonly value: Uint8Array }[])[];
  readonly spool: NativeSpool | undefined;
  readonly blockStore: NativeBlockStore | undefined;
  readonly compressor: NativeCompressor;
  readonly imageTime: number;
  readonly workers: number;
  readonly padTo: number;
  readonly exportTable: boolean;
  readonly fragments: boolean;
  readonly tailEndLimit: number;
  readonly similarity: boolean;
  readonly similarityMoves: number;
  readonly seed: number;
  readonly outputPath: string;
  readonly partialPath: string;
}

/** What a run made; `native/squashfs-job.h` tells what each number means. Columns are by source. */
export interface NativePackResult {
  readonly blockSizes: Uint32Array;
  readonly fragmentStarts: Float64Array;
  readonly fragmentSizes: Uint32Array;
  readonly starts: Float64Array;
  readonly firstBlocks: Uint32Array;
  readonly blockCounts: Uint32Array;
  readonly fragments: Uint32Array;
  readonly fragmentOffsets: Uint32Array;
  readonly duplicateFiles: number;
  readonly duplicateBytes: number;
  readonly encodeCount: number;
  readonly bytesUsed: number;
  readonly size: number;
  readonly dataStart: number;
  readonly inodeTableStart: number;
  readonly directoryTableStart: number;
  readonly fragmentTableStart: number;
  readonly exportTableStart: number;
  readonly idTableStart: number;
  readonly xattrTableStart: number;
  readonly idCount: number;
  /** The image when the job had no path; empty otherwise. */
  readonly bytes: Uint8Array;
}

/** A run on its way. */
export interface NativePackRun {
  readonly result: Promise<NativePackResult>;
  cancel(): void;
  /** Bytes of content compressed and written so far. */
  bytesDone(): number;
}

/** A nameless temporary file; it goes away when it is closed. */
export interface NativeSpool {
  /** Copies bytes to the end and returns their offset. */
  append(bytes: Uint8Array): number;
  close(): void;
}

/** Bytes of an image and the decoding of its blocks. */
export interface NativeImageReader {
  size(): number;
  /** Throws FW_NATIVE_LIBRARY when the range is not inside the image. */
  read(offset: number, length: number): Uint8Array;
  /** Throws FW_NATIVE_LIBRARY when the library does not know the compressor. */
  useCompressor(id: number, blockSize: number): void;
  /** Decodes a block of at most 1 MiB into at most `limit` bytes. */
  decode(offset: number, length: number, limit: number): Uint8Array;
  close(): void;
}

/** Everything the addon exports. */
export interface SquashfsAddon {
  readonly startPack: (job: NativePackJob) => NativePackRun;
  readonly BlockStore: new () => NativeBlockStore;
  readonly Spool: new (folder: string) => NativeSpool;
  readonly ImageReader: new (
    source: Uint8Array | string,
    offset: number,
    length: number,
  ) => NativeImageReader;
}

/** Loads the squashfs addon. @throws EnvironmentError FW_ENV_ADDON_MISSING */
export function squashfsAddon(): SquashfsAddon {
  return loadAddon<SquashfsAddon>('squashfs', ['startPack', 'BlockStore', 'Spool', 'ImageReader']);
}
