/** Compares two root trees path by path. */
import { compareBytes } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { walkTree } from '../vfs/index.js';
import type { Content, TreeDirectory, TreeInode } from '../vfs/index.js';

/** What can differ of an object that stands in both trees. */
export type FileAspect = 'type' | 'content' | 'target' | 'device' | 'mode' | 'owner' | 'xattrs';

/** One path that is new, gone or different. */
export interface FileChange {
  readonly path: ByteString;
  readonly change: 'added' | 'removed' | 'changed';
  /** What differs; empty unless `changed`. */
  readonly aspects: readonly FileAspect[];
  /** Bytes of content, of regular files. */
  readonly sizeBefore?: number;
  readonly sizeAfter?: number;
}

/** The changes between two trees, by path. Times are not compared: every build has its own. */
export interface FileComparison {
  readonly changes: readonly FileChange[];
  /** Paths that are the same in both. */
  readonly unchanged: number;
}

const pieceSize = 1024 ** 2;

/** Compares two trees; content is compared byte by byte, in pieces. */
export function compareFiles(before: TreeDirectory, after: TreeDirectory): FileComparison {
  const old = pathsOf(before);
  const young = pathsOf(after);
  const changes: FileChange[] = [];
  let unchanged = 0;
  for (const path of [...new Set([...old.keys(), ...young.keys()])].sort(compareBytes)) {
    const [a, b] = [old.get(path), young.get(path)];
    const aspects = a && b ? aspectsOf(a, b) : [];
    if (a && b && aspects.length === 0) {
      unchanged += 1;
      continue;
    }
    changes.push({
      path,
      change: a ? (b ? 'changed' : 'removed') : 'added',
      aspects,
      ...(a?.type === 'file' ? { sizeBefore: a.content.size } : {}),
      ...(b?.type === 'file' ? { sizeAfter: b.content.size } : {}),
    });
  }
  return { changes, unchanged };
}

function pathsOf(root: TreeDirectory): Map<ByteString, TreeInode> {
  return new Map([...walkTree(root)].map(({ path, inode }) => [path, inode]));
}

function aspectsOf(a: TreeInode, b: TreeInode): FileAspect[] {
  if (a.type !== b.type) return ['type'];
  const aspects: FileAspect[] = [];
  if (a.type === 'file' && b.type === 'file' && !sameContent(a.content, b.content)) aspects.push('content');
  if (a.type === 'symlink' && b.type === 'symlink' && a.target !== b.target) aspects.push('target');
  if ('rdev' in a && 'rdev' in b && (a.rdev.major !== b.rdev.major || a.rdev.minor !== b.rdev.minor))
    aspects.push('device');
  if (a.mode !== b.mode) aspects.push('mode');
  if (a.uid !== b.uid || a.gid !== b.gid) aspects.push('owner');
  if (!sameXattrs(a.xattrs, b.xattrs)) aspects.push('xattrs');
  return aspects;
}

/** Tells whether two contents have the same bytes; reads no more than up to the first difference. */
export function sameContent(a: Content, b: Content): boolean {
  if (a.size !== b.size) return false;
  for (let offset = 0; offset < a.size; offset += pieceSize) {
    const length = Math.min(pieceSize, a.size - offset);
    if (!Buffer.from(a.read(offset, length)).equals(b.read(offset, length))) return false;
  }
  return true;
}

function sameXattrs(a: ReadonlyMap<ByteString, Uint8Array>, b: ReadonlyMap<ByteString, Uint8Array>): boolean {
  return (
    a.size === b.size &&
    [...a].every(([name, value]) => {
      const other = b.get(name);
      return other !== undefined && Buffer.from(value).equals(other);
    })
  );
}
