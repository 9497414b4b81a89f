/**
 * The addon over libarchive: tar, cpio, ar and zip, plain or packed (gz, bz2, xz, lzma, zst, lz4). Names come and go as
 * bytes whatever the locale. `tools/archive` is the only user: it turns entries into a tree and back.
 */
import type { ByteString } from '../core/index.js';
import { addonError, callAddon } from './errors.js';
import { loadAddon } from './load.js';

/** One entry as archived. */
export interface ArchivedEntry {
  readonly path: ByteString;
  /** Of a symlink or hard link; empty otherwise. */
  readonly linkTarget: ByteString;
  readonly hardlink: boolean;
  /** Type bits of a mode (0o170000); 0 when the archive tells none. */
  readonly type: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  /** True for files, and for hard links that carry the content themselves, as cpio has them. */
  readonly hasData: boolean;
  readonly size: number;
  /** Where the content starts in the spool file, or in `contents`. */
  readonly spoolOffset: number;
  /** An ACL was archived; it is not read. */
  readonly acl: boolean;
  /** Names and values in turn. */
  readonly xattrs: readonly (ByteString | Uint8Array)[];
}

/** A whole archive. */
export interface ReadArchive {
  /** libarchive's name of the format, such as `POSIX pax interchange format`. */
  readonly format: string;
  readonly entries: readonly ArchivedEntry[];
  /** What libarchive could not read and left out, one line each. */
  readonly warnings: readonly string[];
  /** All contents when they were not spooled. */
  readonly contents: Uint8Array;
}

/** Limits against hostile archives. */
export interface ArchiveLimits {
  /** Bytes of all files together, holes counted. */
  readonly contentLimit: number;
  readonly entryLimit: number;
}

/** One entry to write; what does not apply is 0, empty or absent. */
export interface EntryToWrite {
  readonly path: ByteString;
  readonly type: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  readonly symlink?: ByteString;
  readonly hardlink?: ByteString;
  readonly xattrs: readonly (ByteString | Uint8Array)[];
}

/** Format of an archive to write, in libarchive's words; `arbsd` and `argnu` are the two forms of ar. */
export type ArchiveFormat = 'pax' | 'gnutar' | 'ustar' | 'newc' | 'argnu' | 'arbsd';
/** Compression of an archive to write. */
export type ArchiveFilter = 'none' | 'gzip' | 'xz' | 'zstd';

interface NativeArchiveWriter {
  entry(entry: EntryToWrite): void;
  data(bytes: Uint8Array): void;
  finish(): void;
  take(): Uint8Array;
}

interface ArchiveAddon {
  readArchive(
    path: Uint8Array,
    bytes: Uint8Array,
    spoolPath: Uint8Array,
    contentLimit: number,
    entryLimit: number,
    cancel: Uint32Array,
  ): Promise<ReadArchive>;
  readArchiveSync(
    path: Uint8Array,
    bytes: Uint8Array,
    spoolPath: Uint8Array,
    contentLimit: number,
    entryLimit: number,
  ): ReadArchive;
  readonly ArchiveWriter: new (format: string, filter: string, level: number) => NativeArchiveWriter;
}

const none = new Uint8Array();
let loaded: ArchiveAddon | undefined;
const addon = (): ArchiveAddon =>
  (loaded ??= loadAddon<ArchiveAddon>('archive', ['readArchive', 'readArchiveSync', 'ArchiveWriter']));

/**
 * Reads an archive file of the host off the main thread; contents go into a new file at `spoolPath`.
 *
 * @param signal  aborting it ends the reading with FW_NATIVE_CANCELLED; the spool file stays for the caller to remove
 * @throws NativeError FW_NATIVE_DECOMPRESS when the archive is damaged or cut off, FW_NATIVE_DECOMPRESS_LIMIT above a
 *   limit, FW_NATIVE_CANCELLED; FW_NATIVE_SYSTEM when a file cannot be read or written
 */
export async function readArchiveFile(
  path: string,
  spoolPath: string,
  limits: ArchiveLimits,
  signal?: AbortSignal,
): Promise<ReadArchive> {
  const cancel = new Uint32Array(new SharedArrayBuffer(4));
  const onAbort = (): void => void Atomics.store(cancel, 0, 1);
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await addon().readArchive(
      Buffer.from(path),
      none,
      Buffer.from(spoolPath),
      limits.contentLimit,
      limits.entryLimit,
      cancel,
    );
  } catch (cause) {
    throw addonError(cause);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/**
 * Reads an archive that stands in memory, contents into memory too.
 *
 * @throws NativeError FW_NATIVE_DECOMPRESS, FW_NATIVE_DECOMPRESS_LIMIT as `readArchiveFile`
 */
export function readArchiveBytes(bytes: Uint8Array, limits: ArchiveLimits): ReadArchive {
  return callAddon(() => addon().readArchiveSync(none, bytes, none, limits.contentLimit, limits.entryLimit));
}

/** Writes an archive entry by entry; bytes are taken from it as they come. */
export class ArchiveWriter {
  readonly #native: NativeArchiveWriter;

  /** @throws NativeError FW_NATIVE_LIBRARY when the library lacks the format or compression */
  constructor(format: ArchiveFormat, filter: ArchiveFilter = 'none', level = 6) {
    this.#native = callAddon(() => new (addon().ArchiveWriter)(format, filter, level));
  }

  /** Starts an entry; as many bytes as its size follow through `data`. */
  entry(entry: EntryToWrite): void {
    callAddon(() => this.#native.entry(entry));
  }

  data(bytes: Uint8Array): void {
    callAddon(() => this.#native.data(bytes));
  }

  /** Writes the end of the archive; nothing but `take` may follow. */
  finish(): void {
    callAddon(() => this.#native.finish());
  }

  /** Gives the bytes written since the last call. */
  take(): Uint8Array {
    return callAddon(() => this.#native.take());
  }
}
