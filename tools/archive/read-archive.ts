/** Reads archives into trees: from a file of the host with spooled contents, or from memory. */
import { closeSync, openSync, readSync } from 'node:fs';
import { errnoOf, readArchiveBytes, readArchiveFile } from '../addon/index.js';
import type { ReadArchive } from '../addon/index.js';
import {
  EnvironmentError,
  FirmwrightError,
  FormatError,
  byteStringFromText,
  systemError,
  textOf,
} from '../core/index.js';
import type { Content, TreeDirectory } from '../vfs/index.js';
import { archiveTree } from './archive-tree.js';

/** Limits against hostile archives. */
export interface ArchiveReadOptions {
  /** Most bytes of all files together, holes counted; default 8 GiB from a file, 512 MiB from memory. */
  readonly contentLimit?: number;
  /** Most entries; default 1,000,000. */
  readonly entryLimit?: number;
  /** Time of directories that the archive does not list; default 0. */
  readonly defaultMtimeNs?: bigint;
  readonly signal?: AbortSignal;
}

/** An archive as a tree. */
export interface ArchiveTree {
  readonly root: TreeDirectory;
  /** Name of the format, such as `POSIX pax interchange format`. */
  readonly format: string;
  /** What was archived and is not in the tree (ACLs, malformed attributes), one line each. */
  readonly warnings: readonly string[];
}

const defaultEntryLimit = 1_000_000;

/**
 * Reads an archive file (tar, cpio, ar, zip; plain or packed with gz, bz2, xz, lzma, zst, lz4) off the main thread.
 *
 * Contents stand in one file that is made at `spoolPath`, with the holes of sparse files; `Content.hostFile` says
 * where. The caller removes it once the tree is no longer read.
 *
 * @throws FormatError FW_ARCHIVE_DAMAGED, FW_ARCHIVE_LIMIT, FW_ARCHIVE_PATH, FW_ARCHIVE_NAME, FW_ARCHIVE_ENTRY
 * @throws EnvironmentError as `systemError` when the archive cannot be opened or the spool file cannot be written; the
 *   signal's reason when it aborts
 */
export async function readArchiveTree(
  path: string,
  spoolPath: string,
  options: ArchiveReadOptions = {},
): Promise<ArchiveTree> {
  let archive: ReadArchive;
  try {
    const limits = {
      contentLimit: options.contentLimit ?? 8 * 1024 ** 3,
      entryLimit: options.entryLimit ?? defaultEntryLimit,
    };
    archive = await readArchiveFile(path, spoolPath, limits, options.signal);
  } catch (cause) {
    // The addon only says that it stopped; what stopped it is the reason of the signal.
    options.signal?.throwIfAborted();
    throw archiveError(cause, path);
  }
  return treeOf(archive, path, options, (offset, size) => spooledContent(spoolPath, offset, size));
}

/**
 * Reads an archive that stands in memory; contents are views of one buffer.
 *
 * @param name  how messages call it
 * @throws FormatError as `readArchiveTree`
 */
export function readArchiveTreeFromBytes(
  bytes: Uint8Array,
  name: string,
  options: Omit<ArchiveReadOptions, 'signal'> = {},
): ArchiveTree {
  let archive: ReadArchive;
  try {
    archive = readArchiveBytes(bytes, {
      contentLimit: options.contentLimit ?? 512 * 1024 ** 2,
      entryLimit: options.entryLimit ?? defaultEntryLimit,
    });
  } catch (cause) {
    throw archiveError(cause, name);
  }
  const { contents } = archive;
  return treeOf(archive, name, options, (offset, size) => ({
    size,
    read: (from, length) => contents.slice(offset + from, offset + Math.min(size, from + length)),
  }));
}

function treeOf(
  archive: ReadArchive,
  name: string,
  options: ArchiveReadOptions,
  content: (offset: number, size: number) => Content,
): ArchiveTree {
  const root = archiveTree(archive.entries, {
    name,
    content: (entry) => content(entry.spoolOffset, entry.size),
    ...(options.defaultMtimeNs === undefined ? {} : { defaultMtimeNs: options.defaultMtimeNs }),
  });
  const acls = archive.entries
    .filter((entry) => entry.acl)
    .map((entry) => `${textOf(entry.path)}: ACL left out`);
  return { root, format: archive.format, warnings: [...archive.warnings, ...acls] };
}

/** Gives a part of a file of the host as content; the file is opened for each read, so that none stays open. */
function spooledContent(path: string, offset: number, size: number): Content {
  const bytePath = byteStringFromText(path);
  return {
    size,
    hostFile: { path: bytePath, offset },
    read: (from, length) => {
      const buffer = new Uint8Array(Math.max(0, Math.min(length, size - from)));
      const descriptor = openSync(path, 'r');
      try {
        for (let done = 0; done < buffer.length;) {
          const count = readSync(descriptor, buffer, done, buffer.length - done, offset + from + done);
          if (count === 0)
            throw new EnvironmentError('FW_ENV_FILE', `${path} became shorter while it was read`);
          done += count;
        }
      } finally {
        closeSync(descriptor);
      }
      return buffer;
    },
  };
}

function archiveError(cause: unknown, name: string): unknown {
  if (!(cause instanceof FirmwrightError)) return cause;
  switch (cause.code) {
    case 'FW_NATIVE_DECOMPRESS':
      return new FormatError('FW_ARCHIVE_DAMAGED', `${name}: ${cause.message}`, {
        hint: 'tar, cpio, ar or zip is expected, plain or packed with gz, bz2, xz, lzma, zst or lz4',
        data: { archive: name },
        cause,
      });
    case 'FW_NATIVE_DECOMPRESS_LIMIT':
      return new FormatError('FW_ARCHIVE_LIMIT', `${name}: ${cause.message}`, {
        data: { archive: name },
        cause,
      });
    case 'FW_NATIVE_SYSTEM': {
      const errno = errnoOf(cause) ?? 'EIO';
      const isFull = errno === 'ENOSPC' || errno === 'EDQUOT';
      return systemError(errno, `${name}: ${cause.message}`, {
        ...(isFull ? { hint: 'make room, or set TMPDIR or --out to a folder with room' } : {}),
        data: { archive: name },
        cause,
      });
    }
    default:
      return cause;
  }
}
