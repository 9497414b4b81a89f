/** Fingerprints of file trees, so that states of the device can be compared and their difference told. */
import { createHash } from 'node:crypto';
import { textOf, type ByteString } from '../core/index.js';
import type { Attributes, FileSystem, Ino } from '../vfs/index.js';
import { findFile, walkFiles } from './device-files.js';
import type { RunningSystem } from './device/system.js';

/** One line per path: type, mode, owner, size, device, content, target and xattrs; times only when asked for. */
export type TreeDigest = ReadonlyMap<ByteString, string>;

/** Which paths and attributes a digest looks at. */
export interface DigestOptions {
  readonly times?: boolean;
  readonly skip?: (path: ByteString) => boolean;
  readonly skipXattr?: (name: ByteString) => boolean;
}

/** Takes the digest of everything below a directory. */
export function digestTree(fs: FileSystem, directory: Ino, options: DigestOptions = {}): TreeDigest {
  const digest = new Map<ByteString, string>();
  for (const { path, attributes } of walkFiles(fs, directory))
    if (!options.skip?.(path)) digest.set(path, digestLine(fs, attributes, options));
  return digest;
}

/** Takes the digest of some paths, with times; those that are not there are left out. */
export function digestPaths(fs: FileSystem, paths: readonly ByteString[]): TreeDigest {
  const digest = new Map<ByteString, string>();
  for (const path of paths) {
    const ino = findFile(fs, path, false);
    if (ino !== undefined) digest.set(path, digestLine(fs, fs.getattr(ino), { times: true }));
  }
  return digest;
}

/** Takes the digest of the writable layer: what differs from the squashfs. Times are left out. */
export function upperDigest(system: RunningSystem, options: DigestOptions = {}): TreeDigest {
  if (!system.overlay) return new Map();
  return digestTree(system.overlay.fs, system.overlay.upper, options);
}

/** The same under any root: not from which inode of the squashfs a copy was made, which an upgrade numbers anew. */
export function upperFilesDigest(system: RunningSystem): TreeDigest {
  return upperDigest(system, { skipXattr: (name) => name === 'trusted.overlay.origin' });
}

function digestLine(fs: FileSystem, attributes: Attributes, { times, skipXattr }: DigestOptions): string {
  const { ino, type, mode, uid, gid, size, rdev, mtimeNs } = attributes;
  const parts: (string | number | bigint)[] = [type, mode.toString(8), uid, gid];
  if (type === 'file') parts.push(size, hash(fs.read(ino, 0, size)));
  if (type === 'symlink') parts.push(fs.readlink(ino));
  if (type === 'char' || type === 'block') parts.push(`${rdev.major}:${rdev.minor}`);
  if (times && type !== 'directory') parts.push(mtimeNs / 1_000_000_000n);
  for (const name of [...fs.listxattr(ino)].sort())
    if (!skipXattr?.(name)) parts.push(`${name}=${hash(fs.getxattr(ino, name))}`);
  return parts.join(' ');
}

/** Lists what differs, in words, at most `limit` lines. */
export function digestDifferences(expected: TreeDigest, found: TreeDigest, limit = 5): readonly string[] {
  const lines: string[] = [];
  for (const [path, line] of expected) {
    const other = found.get(path);
    if (other === undefined) lines.push(`${textOf(path)}: missing`);
    else if (other !== line) lines.push(`${textOf(path)}: expected ${line}, found ${other}`);
  }
  for (const path of found.keys()) if (!expected.has(path)) lines.push(`${textOf(path)}: not expected`);
  return lines.slice(0, limit);
}

/** Hash of bytes, short enough for a report. */
export function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
