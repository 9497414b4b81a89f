/**
 * Writes squashfs images. The tree is planned here (plan.ts); reading, compressing and writing happen on threads of
 * the addon. Contents that stand on the host are read there by range; all others go through a nameless temporary
 * file first, so that nothing but a few blocks is ever in memory.
 */
import { randomUUID } from 'node:crypto';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { squashfsAddon } from '../addon/index.js';
import type { NativePackJob, NativePackResult, NativePackRun, NativeSpool } from '../addon/index.js';
import { FormatError, textOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { TreeDirectory, TreeFile } from '../vfs/index.js';
import { nativeCompressor } from './compressor.js';
import { arrangementMoves, withEffort } from './effort.js';
import type { Effort } from './effort.js';
import { isCancelled, wrapNativeFailure } from './native-failure.js';
import { checkOptions } from './options.js';
import type { SquashfsOptions, SquashfsWarning } from './options.js';
import { planImage } from './plan.js';
import type { ImagePlan, PlannedFile } from './plan.js';

const none = 0xffff_ffff;
const chunkSize = 1 << 20;
const progressIntervalMs = 100;

/** A table or area of an image. */
export interface SquashfsSection {
  readonly name:
    | 'super block'
    | 'compressor options'
    | 'data'
    | 'inode table'
    | 'directory table'
    | 'fragment table'
    | 'export table'
    | 'id table'
    | 'xattr table'
    | 'padding';
  readonly offset: number;
  readonly size: number;
}

/** A stored block: its place, its stored size, and whether it is compressed. */
export interface StoredBlock {
  readonly offset: number;
  readonly size: number;
  readonly compressed: boolean;
}

/** Where the content of a file stands. */
export interface FileLayout {
  /** Own blocks in order; a hole has size 0. Shared with other files of equal content. */
  readonly blocks: readonly StoredBlock[];
  /** The tail, when it stands in a fragment: offset and size inside the decoded fragment block. */
  readonly fragment: { readonly index: number; readonly offset: number; readonly size: number } | undefined;
}

/** Where all contents of an image stand. */
export interface SquashfsLayout {
  readonly fragments: readonly StoredBlock[];
  readonly files: ReadonlyMap<TreeFile, FileLayout>;
}

/** What a pack run made. */
export interface SquashfsReport {
  /** Size of the file system, without padding: `bytes_used` of the super block. */
  readonly bytesUsed: number;
  /** Size of the file. */
  readonly size: number;
  readonly inodeCount: number;
  readonly idCount: number;
  readonly fragmentCount: number;
  /** Files stored only once although they are several, and the bytes of content that this saved. */
  readonly duplicateFiles: number;
  readonly duplicateBytes: number;
  /** Times a compressor ran over a data or fragment block: once for each, and once more for each branch filter. */
  readonly encodeCount: number;
  readonly sections: readonly SquashfsSection[];
  readonly warnings: readonly SquashfsWarning[];
  /** Present when it was asked for. */
  readonly layout: SquashfsLayout | undefined;
}

/**
 * Packs a tree into a squashfs file, written beside its place and renamed when complete.
 *
 * Same tree and options, same bytes, whatever the count of workers. Runs off the main thread, except for contents
 * that have no `hostFile`.
 *
 * @param tree  not modified; its entries may be in any order
 * @param path  file to write; an existing one is replaced, and left alone when the run fails
 * @throws FormatError FW_SQUASHFS_NAME, FW_SQUASHFS_LIMIT, FW_SQUASHFS_TREE for what the format cannot hold,
 *   FW_SQUASHFS_CONTENT when a file has fewer bytes than it declares
 * @throws UsageError FW_USAGE_SQUASHFS_OPTION for a wrong option
 * @throws EnvironmentError FW_ENV_DISK_FULL, FW_ENV_FILE, FW_ENV_ADDON_MISSING
 * @throws the signal's reason when it aborts
 */
export async function writeSquashfs(
  tree: TreeDirectory,
  path: string,
  options: SquashfsOptions,
): Promise<SquashfsReport> {
  const { report } = await pack(tree, path, options);
  return report;
}

/**
 * Packs a tree into a squashfs image in memory; otherwise as `writeSquashfs`.
 *
 * @returns the report and the image, which is the caller's
 */
export async function packSquashfs(
  tree: TreeDirectory,
  options: SquashfsOptions,
): Promise<{ readonly report: SquashfsReport; readonly bytes: Uint8Array }> {
  return pack(tree, '', options);
}

async function pack(
  tree: TreeDirectory,
  path: string,
  options: SquashfsOptions,
): Promise<{ report: SquashfsReport; bytes: Uint8Array }> {
  options.signal?.throwIfAborted();
  const blockSize = checkOptions(options);
  const { effort = 'normal' } = options;
  const chosen =
    options.compressor.kind === 'xz' ? withEffort(options.compressor, effort) : options.compressor;
  const compressor = nativeCompressor(chosen, blockSize);
  const plan = planImage(tree, { uniformTime: options.uniformTime, xattrs: options.xattrs ?? true });
  using spool = new LazySpool(path === '' ? tmpdir() : dirname(path));
  try {
    const sources = await gatherSources(plan, spool, options.signal);
    const run = squashfsAddon().startPack({
      ...plan.columns,
      ...sources,
      compressor,
      blockStore: options.blockStore?.native,
      imageTime: options.imageTime,
      workers: options.workers ?? availableParallelism(),
      padTo: options.padTo ?? 0,
      exportTable: options.exportTable ?? false,
      fragments: options.fragments ?? true,
      tailEndLimit: options.tailEndLimit ?? blockSize,
      similarity: options.similarity ?? true,
      similarityMoves: options.similarityMoves ?? movesFor(plan, effort, blockSize),
      seed: options.seed ?? 0,
      outputPath: path,
      partialPath: path === '' ? '' : `${path}.${randomUUID()}.partial`,
    });
    const result = await attended(run, options, plan);
    return { report: makeReport(plan, result, options, blockSize), bytes: result.bytes };
  } catch (error) {
    if (options.signal?.aborted && isCancelled(error)) {
      throw options.signal.reason;
    }
    throw wrapNativeFailure(error);
  }
}

function movesFor({ files }: ImagePlan, effort: Effort, blockSize: number): number {
  const tails = files.map(({ file }) => file.content.size % blockSize).filter((size) => size > 0);
  const size = tails.reduce((sum, tail) => sum + tail, 0);
  return arrangementMoves(effort, tails.length, size, blockSize);
}

/** Waits for a run, hands on its progress and the request to stop. */
async function attended(
  run: NativePackRun,
  { signal, onProgress }: SquashfsOptions,
  plan: ImagePlan,
): Promise<NativePackResult> {
  const bytesTotal = plan.files.reduce((sum, { file }) => sum + file.content.size, 0);
  const stop = (): void => run.cancel();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  const timer =
    onProgress &&
    setInterval(() => onProgress({ bytesDone: run.bytesDone(), bytesTotal }), progressIntervalMs);
  try {
    const result = await run.result;
    onProgress?.({ bytesDone: bytesTotal, bytesTotal });
    return result;
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', stop);
  }
}

type SourceColumns = Pick<
  NativePackJob,
  | 'sourceInodes'
  | 'sourcePaths'
  | 'sourceOffsets'
  | 'sourceSizes'
  | 'sourceGroups'
  | 'pathOffsets'
  | 'pathNames'
  | 'spool'
>;

/** Finds out where each content can be read by the addon; what it cannot reach is spooled. */
async function gatherSources(
  plan: ImagePlan,
  spool: LazySpool,
  signal: AbortSignal | undefined,
): Promise<SourceColumns> {
  const count = plan.files.length;
  const columns = {
    sourceInodes: new Uint32Array(count),
    sourcePaths: new Uint32Array(count),
    sourceOffsets: new Float64Array(count),
    sourceSizes: new Float64Array(count),
    sourceGroups: extensionRanks(plan.files),
  };
  const paths: ByteString[] = [];
  let spooled = 0;
  for (const [i, planned] of plan.files.entries()) {
    const { content } = planned.file;
    const { hostFile } = content;
    columns.sourceInodes[i] = planned.inode;
    columns.sourceSizes[i] = content.size;
    if (content.size === 0) {
      columns.sourcePaths[i] = none;
    } else if (hostFile) {
      // The contents of an archive stand in one file, one behind the other.
      if (hostFile.path !== paths.at(-1)) paths.push(hostFile.path);
      columns.sourcePaths[i] = paths.length - 1;
      columns.sourceOffsets[i] = hostFile.offset;
    } else {
      columns.sourcePaths[i] = none;
      columns.sourceOffsets[i] = spoolContent(planned, spool.open());
      spooled += content.size;
      if (spooled > 8 * chunkSize) {
        // Lets timers and signals in.
        spooled = 0;
        await setImmediate();
        signal?.throwIfAborted();
      }
    }
  }
  const pathOffsets = new Uint32Array(paths.length + 1);
  for (const [i, path] of paths.entries()) pathOffsets[i + 1] = (pathOffsets[i] ?? 0) + path.length;
  const pathNames = Buffer.from(paths.join(''), 'latin1');
  return { ...columns, pathOffsets, pathNames, spool: spool.opened };
}

/** A spool that is made when the first content needs it. */
class LazySpool implements Disposable {
  opened: NativeSpool | undefined;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  open(): NativeSpool {
    return (this.opened ??= new (squashfsAddon().Spool)(this.#folder));
  }

  [Symbol.dispose](): void {
    this.opened?.close();
  }
}

function spoolContent({ file, path }: PlannedFile, spool: NativeSpool): number {
  const { content } = file;
  let start = 0;
  for (let offset = 0; offset < content.size;) {
    const bytes = content.read(offset, Math.min(chunkSize, content.size - offset));
    if (bytes.length === 0) {
      throw new FormatError(
        'FW_SQUASHFS_CONTENT',
        `${textOf(path)} ends at byte ${offset}, expected ${content.size} bytes`,
      );
    }
    const at = spool.append(bytes);
    if (offset === 0) start = at;
    offset += bytes.length;
  }
  return start;
}

/** Gives files of one extension one number, in the order of the extensions' bytes. */
function extensionRanks(files: readonly PlannedFile[]): Uint32Array {
  const extensions = files.map(({ path }) => /[^/](\.[^./]*)$/.exec(path)?.[1] ?? '');
  const ranks = new Map([...new Set(extensions)].sort().map((extension, rank) => [extension, rank]));
  return Uint32Array.from(extensions, (extension) => ranks.get(extension) ?? 0);
}

function makeReport(
  plan: ImagePlan,
  result: NativePackResult,
  options: SquashfsOptions,
  blockSize: number,
): SquashfsReport {
  return {
    bytesUsed: result.bytesUsed,
    size: result.size,
    inodeCount: plan.inodeCount,
    idCount: result.idCount,
    fragmentCount: result.fragmentStarts.length,
    duplicateFiles: result.duplicateFiles,
    duplicateBytes: result.duplicateBytes,
    encodeCount: result.encodeCount,
    sections: sectionsOf(result),
    warnings: plan.warnings,
    layout: options.layout ? layoutOf(plan, result, blockSize) : undefined,
  };
}

function layoutOf(plan: ImagePlan, result: NativePackResult, blockSize: number): SquashfsLayout {
  const stored = (offset: number, size: number): StoredBlock => ({
    offset,
    size: size & 0xff_ffff,
    compressed: (size & 0x100_0000) === 0,
  });
  const files = new Map<TreeFile, FileLayout>();
  for (const [i, { file }] of plan.files.entries()) {
    const first = result.firstBlocks[i] ?? 0;
    const sizes = result.blockSizes.subarray(first, first + (result.blockCounts[i] ?? 0));
    let offset = result.starts[i] ?? 0;
    const blocks = Array.from(sizes, (size) => {
      const block = stored(offset, size);
      offset += block.size;
      return block;
    });
    const index = result.fragments[i] ?? none;
    files.set(file, {
      blocks,
      fragment:
        index === none
          ? undefined
          : { index, offset: result.fragmentOffsets[i] ?? 0, size: file.content.size % blockSize },
    });
  }
  const fragments = Array.from(result.fragmentStarts, (offset, i) =>
    stored(offset, result.fragmentSizes[i] ?? 0),
  );
  return { fragments, files };
}

/** Cuts the image at the starts of its tables. A table's own blocks stand before the list that its start points to. */
function sectionsOf(result: NativePackResult): SquashfsSection[] {
  const absent = 2 ** 64;
  const starts: [SquashfsSection['name'], number][] = [
    ['super block', 0],
    ['compressor options', 96],
    ['data', result.dataStart],
    ['inode table', result.inodeTableStart],
    ['directory table', result.directoryTableStart],
  ];
  return starts.map(([name, offset], i) => {
    const end = starts[i + 1]?.[1] ?? Math.min(result.bytesUsed, absent);
    return { name, offset, size: end - offset };
  });
}
