/** Hashes of what an image is made of: equal hashes mean an equal contribution to the tree. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { systemError } from '../core/index.js';
import { walkTree } from '../vfs/index.js';
import type { TreeDirectory, TreeInode } from '../vfs/index.js';

const chunkSize = 1024 ** 2;

/** SHA-256 of a file of the host, in lower-case hex. @throws EnvironmentError as `systemError` */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: chunkSize })) {
      signal?.throwIfAborted();
      hash.update(chunk as Uint8Array);
    }
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause && 'code' in cause)) throw cause;
    throw systemError(String(cause.code), `${path}: ${cause.message}`, { data: { path }, cause });
  }
  return hash.digest('hex');
}

/** SHA-256 of texts, each with its length, so that no two lists give one hash. */
export function hashTexts(texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}:`).update(text);
  return hash.digest('hex');
}

/** SHA-256 of everything in a tree: paths, types, attributes, hard links and contents. */
export function hashTree(root: TreeDirectory, signal?: AbortSignal): string {
  const hash = createHash('sha256');
  const numbers = new Map<TreeInode, number>();
  const add = (path: string, inode: TreeInode): void => {
    const known = numbers.get(inode);
    if (known !== undefined) {
      hash.update(`${path}\0link ${known}\0`, 'latin1');
      return;
    }
    numbers.set(inode, numbers.size);
    hash.update(
      `${path}\0${inode.type} ${inode.mode} ${inode.uid} ${inode.gid} ${inode.mtimeNs}\0`,
      'latin1',
    );
    for (const [name, value] of [...inode.xattrs].sort(([a], [b]) => (a < b ? -1 : 1))) {
      hash.update(`${name}\0${value.length}\0`, 'latin1').update(value);
    }
    if (inode.type === 'symlink') hash.update(`${inode.target}\0`, 'latin1');
    if (inode.type === 'char' || inode.type === 'block')
      hash.update(`${inode.rdev.major} ${inode.rdev.minor}\0`);
    if (inode.type === 'file') {
      hash.update(`${inode.content.size}\0`);
      for (let offset = 0; offset < inode.content.size; offset += chunkSize) {
        signal?.throwIfAborted();
        hash.update(inode.content.read(offset, Math.min(chunkSize, inode.content.size - offset)));
      }
    }
  };
  add('/', root);
  for (const { path, inode } of walkTree(root)) add(path, inode);
  return hash.digest('hex');
}
