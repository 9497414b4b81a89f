/** Writes trees as archives: sorted by name, nothing of the machine in them, so that equal trees give equal bytes. */
import { ArchiveWriter } from '../addon/index.js';
import type { ArchiveFilter, ArchiveFormat } from '../addon/index.js';
import { compareBytes } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { typeBits, walkTree } from '../vfs/index.js';
import type { TreeDirectory, TreeInode } from '../vfs/index.js';

/** How an archive is written. */
export interface ArchiveWriteOptions {
  /** Default `pax`, which alone keeps xattrs, nanoseconds and any name. */
  readonly format?: ArchiveFormat;
  /** Default `none`. */
  readonly compression?: ArchiveFilter;
  /** Level of the compression, default 6 (9 for xz). */
  readonly level?: number;
}

const chunkSize = 1024 ** 2;

/**
 * Writes a tree as an archive, a chunk at a time: `./` first, then everything below it, names in order of raw bytes.
 *
 * Content is read while it is written; a chunk is at most a few MiB.
 *
 * @throws NativeError FW_NATIVE_LIBRARY when the format cannot hold an entry
 */
export function* archiveChunks(
  root: TreeDirectory,
  options: ArchiveWriteOptions = {},
): Generator<Uint8Array, void, undefined> {
  const compression = options.compression ?? 'none';
  const writer = new ArchiveWriter(
    options.format ?? 'pax',
    compression,
    options.level ?? (compression === 'xz' ? 9 : 6),
  );
  const seen = new Map<TreeInode, ByteString>();
  for (const { path, inode } of [{ path: '/' as ByteString, inode: root }, ...walkTree(root)]) {
    const name = `.${path}` as ByteString;
    const first = inode.type === 'directory' ? undefined : seen.get(inode);
    seen.set(inode, name);
    const content = inode.type === 'file' && first === undefined ? inode.content : undefined;
    writer.entry({
      path: name,
      type: typeBits[inode.type],
      mode: inode.mode,
      uid: inode.uid,
      gid: inode.gid,
      size: content?.size ?? 0,
      ...splitTime(inode.mtimeNs),
      rdevMajor: 'rdev' in inode ? inode.rdev.major : 0,
      rdevMinor: 'rdev' in inode ? inode.rdev.minor : 0,
      ...(inode.type === 'symlink' && first === undefined ? { symlink: inode.target } : {}),
      ...(first === undefined ? {} : { hardlink: first }),
      xattrs:
        first === undefined
          ? [...inode.xattrs.keys()]
              .sort(compareBytes)
              .flatMap((key) => [key, inode.xattrs.get(key) ?? new Uint8Array()])
          : [],
    });
    for (let offset = 0; content !== undefined && offset < content.size; offset += chunkSize) {
      writer.data(content.read(offset, Math.min(chunkSize, content.size - offset)));
      const bytes = writer.take();
      if (bytes.length > 0) yield bytes;
    }
  }
  writer.finish();
  yield writer.take();
}

/** Writes a tree as an archive into memory; see `archiveChunks`. */
export function writeArchive(root: TreeDirectory, options: ArchiveWriteOptions = {}): Uint8Array {
  return new Uint8Array(Buffer.concat([...archiveChunks(root, options)]));
}

function splitTime(ns: bigint): { mtimeSeconds: number; mtimeNanoseconds: number } {
  const rest = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { mtimeSeconds: Number((ns - rest) / 1_000_000_000n), mtimeNanoseconds: Number(rest) };
}
