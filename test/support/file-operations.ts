/**
 * Work on a file system as plain data: it can be done on any `FileSystem`, on the real kernel (as a shell script), and
 * printed. Every path is absolute; every data is a range of one pool of bytes, made from a seed.
 */
import { byteStringFromText, seededRandom } from '../../tools/core/index.js';
import type { ByteString } from '../../tools/core/index.js';
import { FsError } from '../../tools/vfs/index.js';
import type { FileSystem, Ino, RenameFlags } from '../../tools/vfs/index.js';

/** One operation. */
export type FileOperation =
  | { readonly kind: 'create'; readonly path: string; readonly mode: number }
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly offset: number;
      readonly from: number;
      readonly length: number;
    }
  | { readonly kind: 'append'; readonly path: string; readonly from: number; readonly length: number }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'mkdir'; readonly path: string; readonly mode: number }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'mknod';
      readonly path: string;
      readonly type: 'char' | 'block' | 'fifo';
      readonly major: number;
      readonly minor: number;
    }
  | { readonly kind: 'link'; readonly from: string; readonly path: string }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'rmdir'; readonly path: string }
  | {
      readonly kind: 'rename';
      readonly from: string;
      readonly path: string;
      readonly flag?: 'exchange' | 'noreplace';
    }
  | { readonly kind: 'chmod'; readonly path: string; readonly mode: number }
  | { readonly kind: 'chown'; readonly path: string; readonly uid: number; readonly gid: number }
  | { readonly kind: 'utime'; readonly path: string; readonly seconds: number }
  | { readonly kind: 'setxattr'; readonly path: string; readonly name: string; readonly value: string }
  | { readonly kind: 'removexattr'; readonly path: string; readonly name: string };

/** Size of the pool that written data comes from. */
export const POOL_SIZE = 65536;

/** Makes the pool: the first half does not compress, the second does. */
export function dataPool(seed: number): Uint8Array {
  const random = seededRandom(seed);
  const pool = new Uint8Array(POOL_SIZE);
  for (let i = 0; i < POOL_SIZE; i += 1)
    pool[i] =
      i < POOL_SIZE / 2 ? random.next() & 0xff : (pool[i - 37] ?? 0) ^ (random.below(50) === 0 ? 1 : 0);
  return pool;
}

interface Place {
  readonly directory: Ino;
  readonly name: ByteString;
}

/** Finds directory and name of a path, without following symlinks; undefined when a directory is missing. */
function placeOf(fs: FileSystem, path: string): Place | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const name = parts.pop() ?? '';
  let directory = fs.root;
  for (const part of parts) {
    if (fs.getattr(directory).type !== 'directory') return undefined;
    const next = fs.lookup(directory, byteStringFromText(part));
    if (next === undefined) return undefined;
    directory = next;
  }
  return fs.getattr(directory).type === 'directory'
    ? { directory, name: byteStringFromText(name) }
    : undefined;
}

function inoOf(fs: FileSystem, path: string): Ino | undefined {
  const place = placeOf(fs, path);
  return place && fs.lookup(place.directory, place.name);
}

/** Does one operation; returns the errno, `ok`, or `skipped` when it makes no sense (the path is not there). */
export function applyOperation(fs: FileSystem, operation: FileOperation, pool: Uint8Array): string {
  try {
    return apply(fs, operation, pool) ? 'ok' : 'skipped';
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
}

function apply(fs: FileSystem, operation: FileOperation, pool: Uint8Array): boolean {
  const owner = { uid: 0, gid: 0 };
  const { path } = operation;
  switch (operation.kind) {
    case 'create':
    case 'mkdir':
    case 'symlink':
    case 'mknod':
    case 'link':
    case 'unlink':
    case 'rmdir':
    case 'rename': {
      const place = placeOf(fs, path);
      if (!place) return false;
      applyToName(fs, operation, place, owner);
      return true;
    }
    default: {
      const ino = inoOf(fs, path);
      if (ino === undefined) return false;
      return applyToInode(fs, operation, ino, pool);
    }
  }
}

function applyToName(
  fs: FileSystem,
  operation: FileOperation,
  { directory, name }: Place,
  owner: { readonly uid: number; readonly gid: number },
): void {
  switch (operation.kind) {
    case 'create':
      fs.mknod(directory, name, { type: 'file', mode: operation.mode, ...owner });
      return;
    case 'mkdir':
      fs.mkdir(directory, name, { mode: operation.mode & 0o777, ...owner });
      return;
    case 'symlink':
      fs.symlink(directory, name, byteStringFromText(operation.target), { mode: 0o777, ...owner });
      return;
    case 'mknod': {
      const { type, major, minor } = operation;
      fs.mknod(directory, name, {
        type,
        mode: 0o600,
        ...owner,
        ...(type === 'fifo' ? {} : { rdev: { major, minor } }),
      });
      return;
    }
    case 'link': {
      const source = inoOf(fs, operation.from);
      if (source !== undefined) fs.link(source, directory, name);
      return;
    }
    case 'unlink':
      fs.unlink(directory, name);
      return;
    case 'rmdir':
      fs.rmdir(directory, name);
      return;
    case 'rename': {
      const from = placeOf(fs, operation.from);
      if (from) fs.rename(from.directory, from.name, directory, name, renameFlags(operation.flag));
      return;
    }
    default:
      throw new Error(`not an operation on a name: ${operation.kind}`);
  }
}

function renameFlags(flag: 'exchange' | 'noreplace' | undefined): RenameFlags {
  return flag === undefined ? {} : { [flag]: true };
}

function applyToInode(fs: FileSystem, operation: FileOperation, ino: Ino, pool: Uint8Array): boolean {
  const { type, size } = fs.getattr(ino);
  const isFile = type === 'file';
  switch (operation.kind) {
    case 'write':
    case 'append': {
      if (!isFile) return false;
      const data = pool.subarray(operation.from, operation.from + operation.length);
      const offset = operation.kind === 'write' ? operation.offset : size;
      if (fs.write(ino, offset, data) < data.length) throw new FsError('ENOSPC', 'write');
      return true;
    }
    case 'truncate':
      if (!isFile) return false;
      fs.setattr(ino, { size: operation.size });
      return true;
    case 'chmod':
      if (type === 'symlink') return false;
      fs.setattr(ino, { mode: operation.mode });
      return true;
    case 'chown':
      fs.setattr(ino, { uid: operation.uid, gid: operation.gid });
      return true;
    case 'utime': {
      if (type === 'symlink') return false;
      const time = BigInt(operation.seconds) * 1_000_000_000n;
      fs.setattr(ino, { atimeNs: time, mtimeNs: time });
      return true;
    }
    case 'setxattr':
      if (!isFile && type !== 'directory') return false;
      fs.setxattr(ino, byteStringFromText(operation.name), new TextEncoder().encode(operation.value));
      return true;
    case 'removexattr':
      if (!isFile && type !== 'directory') return false;
      fs.removexattr(ino, byteStringFromText(operation.name));
      return true;
    default:
      throw new Error(`not an operation on an inode: ${operation.kind}`);
  }
}

/** Writes operations as lines of a shell script for busybox; paths are below `root`, the pool is in `pool`. */
export function shellLines(operations: readonly FileOperation[], root: string, pool: string): string[] {
  const at = (path: string): string => `${root}${path}`;
  return operations.map((operation) => {
    const path = at(operation.path);
    const mode = 'mode' in operation ? operation.mode.toString(8) : '';
    switch (operation.kind) {
      case 'create':
        return `[ -e ${path} ] || [ -L ${path} ] || { true >${path} && chmod ${mode} ${path}; }`;
      case 'write':
        return `[ -f ${path} ] && dd if=${pool} of=${path} bs=65536 iflag=skip_bytes,count_bytes oflag=seek_bytes skip=${operation.from} count=${operation.length} seek=${operation.offset} conv=notrunc`;
      case 'append':
        return `[ -f ${path} ] && dd if=${pool} bs=65536 iflag=skip_bytes,count_bytes skip=${operation.from} count=${operation.length} >>${path}`;
      case 'truncate':
        return `[ -f ${path} ] && truncate -s ${operation.size} ${path}`;
      case 'mkdir':
        return `mkdir -m ${(operation.mode & 0o777).toString(8)} ${path}`;
      case 'symlink':
        return `[ -e ${path} ] || [ -L ${path} ] || ln -s ${operation.target} ${path}`;
      case 'mknod':
        return operation.type === 'fifo'
          ? `mknod -m 600 ${path} p`
          : `mknod -m 600 ${path} ${operation.type.charAt(0)} ${operation.major} ${operation.minor}`;
      case 'link':
        return `[ -d ${path} ] || [ -L ${at(operation.from)} ] || ln ${at(operation.from)} ${path}`;
      case 'unlink':
        return `[ -d ${path} ] || rm -f ${path}`;
      case 'rmdir':
        return `rmdir ${path}`;
      case 'rename':
        return `[ -d ${path} ] || mv -f ${at(operation.from)} ${path}`;
      case 'chmod':
        return `[ -L ${path} ] || chmod ${mode} ${path}`;
      case 'chown':
        return `chown -h ${operation.uid}:${operation.gid} ${path}`;
      case 'utime':
        return `[ -L ${path} ] || [ ! -e ${path} ] || touch -d @${operation.seconds} ${path}`;
      case 'setxattr':
        return `[ -f ${path} ] || [ -d ${path} ] && setfattr -n ${operation.name} -v ${operation.value} ${path}`;
      case 'removexattr':
        return `[ -f ${path} ] || [ -d ${path} ] && setfattr -x ${operation.name} ${path}`;
    }
  });
}
