import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { systemError, UsageError } from '../core/index.js';
import { requireRegularFile } from './regular-file.js';
import type { RootSource } from './root-tree.js';

/** First bytes of a squashfs image, little- and big-endian. @see Linux 6.6 fs/squashfs/squashfs_fs.h */
const squashfsMagics = ['hsqs', 'sqsh'];

/**
 * Tells what kind of source a path of the host is.
 *
 * A folder (with its record, where one stands beside it), a squashfs image by its first bytes, else an archive.
 *
 * @throws UsageError FW_USAGE_FILE when there is nothing of that name, or something else; EnvironmentError as `systemError` when it cannot be read
 */
export function detectRootSource(path: string): RootSource {
  if (!existsSync(path)) {
    throw new UsageError('FW_USAGE_FILE', `root tree: ${path} is not there`, {
      hint: 'check --rootfs, or rootfs: in the recipe',
      data: { path },
    });
  }
  return wrapHostError(path, () => {
    if (statSync(path).isDirectory()) {
      const isRecorded = existsSync(recordPathOf(path));
      return { kind: 'folder', path, ...(isRecorded ? { attributes: 'recorded' as const } : {}) };
    }
    requireRegularFile(path, 'root tree');
    const start = Buffer.alloc(4);
    const descriptor = openSync(path, 'r');
    try {
      readSync(descriptor, start, 0, 4, 0);
    } finally {
      closeSync(descriptor);
    }
    return { kind: squashfsMagics.includes(start.toString('latin1')) ? 'squashfs' : 'archive', path };
  });
}

/** Runs calls of node:fs, turning what they throw into our EnvironmentError, see `systemError`. */
export function wrapHostError<R>(path: string, call: () => R): R {
  try {
    return call();
  } catch (cause) {
    const errno = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (typeof errno !== 'string' || !/^E[A-Z0-9]+$/.test(errno)) throw cause;
    throw systemError(errno, `${path}: ${(cause as Error).message}`, { data: { path }, cause });
  }
}

/** Name of the record of owners and modes of a folder: beside it, so that it is no part of the tree. */
export function recordPathOf(folder: string): string {
  return `${folder.replace(/\/+$/, '')}.attributes.json`;
}
