/** Random unions and random work on them, as data that fast-check can shrink. */
import fc from 'fast-check';
import { steppingClock } from '../../tools/core/index.js';
import { policies } from '../../tools/union/index.js';
import type { Union, UnionPolicy } from '../../tools/union/index.js';
import { MemoryFileSystem, memoryFromTree, newDirectory, treeFromFileSystem } from '../../tools/vfs/index.js';
import type { FileSystem, TreeDirectory, TreeInode } from '../../tools/vfs/index.js';
import { applyOperation, dataPool } from './file-operations.js';
import type { FileOperation } from './file-operations.js';
import { memory, policyWith, unionOf, upperOn } from './unions.js';

export const pool = dataPool(1);

/** A way to mount a union. */
export interface Shape {
  readonly name: string;
  readonly policy: UnionPolicy;
  readonly single?: boolean;
  /** Lower hard links stay one object across copy-up. */
  readonly keepsLinks: boolean;
}

export const shapes: readonly Shape[] = [
  { name: 'overlayfs', policy: policies.overlayfs, keepsLinks: true },
  { name: 'overlayfs on single names', policy: policies.overlayfs, single: true, keepsLinks: true },
  { name: 'metacopy', policy: policyWith({ metacopy: true }), keepsLinks: true },
  { name: 'openwrt', policy: policies.openwrt, keepsLinks: false },
  { name: 'always', policy: policyWith({ whiteout: 'always' }), keepsLinks: true },
  { name: 'overlay-v7', policy: policyWith({ writes: 'overlay-v7' }), single: true, keepsLinks: true },
  { name: 'overlay-x', policy: policyWith({ writes: 'overlay-x' }), keepsLinks: true },
  { name: 'aufs', policy: policies.aufs, keepsLinks: false },
];

const path = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
  .map((names) => `/${names.join('/')}`);
const mode = fc.constantFrom(0o644, 0o600, 0o755, 0o4711, 0o1777, 0);
const range = { from: fc.nat(60_000), length: fc.integer({ min: 1, max: 5000 }) };
const attribute = fc.constantFrom('user.a', 'user.b');

function kind<K extends FileOperation['kind']>(name: K): fc.Arbitrary<K> {
  return fc.constant(name);
}

const making: readonly fc.Arbitrary<FileOperation>[] = [
  fc.record({ kind: kind('create'), path, mode }),
  fc.record({ kind: kind('mkdir'), path, mode }),
  fc.record({ kind: kind('mkdir'), path, mode }),
  fc.record({ kind: kind('write'), path, offset: fc.nat(9000), ...range }),
  fc.record({ kind: kind('symlink'), path, target: fc.constantFrom('a', '/b', '../c') }),
  fc.record({
    kind: kind('mknod'),
    path,
    type: fc.constantFrom('char' as const, 'fifo' as const),
    major: fc.integer({ min: 1, max: 9 }),
    minor: fc.nat(9),
  }),
  fc.record({ kind: kind('chmod'), path, mode }),
  fc.record({ kind: kind('chown'), path, uid: fc.nat(3), gid: fc.nat(3) }),
  fc.record({ kind: kind('utime'), path, seconds: fc.integer({ min: 1_000_000_000, max: 1_000_000_999 }) }),
  fc.record({ kind: kind('setxattr'), path, name: attribute, value: fc.constantFrom('1', '22') }),
];
const linking = fc.record({ kind: kind('link'), from: path, path });
const changing: readonly fc.Arbitrary<FileOperation>[] = [
  ...making,
  linking,
  fc.record({ kind: kind('append'), path, ...range }),
  fc.record({ kind: kind('truncate'), path, size: fc.constantFrom(0, 3, 5000) }),
  fc.record({ kind: kind('unlink'), path }),
  fc.record({ kind: kind('unlink'), path }),
  fc.record({ kind: kind('rmdir'), path }),
  fc.record({ kind: kind('rmdir'), path }),
  fc.record({ kind: kind('rename'), from: path, path }),
  fc.record({ kind: kind('rename'), from: path, path }),
  fc.record({ kind: kind('rename'), from: path, path, flag: fc.constantFrom('exchange', 'noreplace') }),
  fc.record({ kind: kind('removexattr'), path, name: attribute }),
];

/** Random work on a union. */
export const work: fc.Arbitrary<FileOperation[]> = fc.array(fc.oneof(...changing), {
  minLength: 1,
  maxLength: 30,
});

/** Random content of lowers, top first; hard links only where there is one lower, whose names all show. */
export function lowerWork(links: boolean): fc.Arbitrary<FileOperation[][]> {
  const plain = fc.array(fc.array(fc.oneof(...making), { maxLength: 20 }), { minLength: 1, maxLength: 3 });
  const linked = fc.array(fc.oneof(...making, linking, linking), { maxLength: 20 }).map((only) => [only]);
  return links ? fc.oneof(plain, linked) : plain;
}

/** A union to be mounted again and again: its lowers, and the file system of its upper. */
export interface Stack {
  readonly lowers: readonly MemoryFileSystem[];
  readonly store: MemoryFileSystem;
  mount(): Union;
}

/** Makes the lowers of a case, read-only, and an empty upper. */
export function stackOf(shape: Shape, lowerOperations: readonly (readonly FileOperation[])[]): Stack {
  const lowers = lowerOperations.map((operations) => {
    const made = new MemoryFileSystem({ clock: steppingClock(1_000_000, 1n) });
    for (const operation of operations) applyOperation(made, operation, pool);
    // Access times are not part of a tree: with those of modification, union and copy begin alike.
    const lower = memoryFromTree(treeFromFileSystem(made));
    lower.readOnly = true;
    return lower;
  });
  const store = memory(shape.single);
  const top = lowers[0];
  if (top) dressUpper(store, top);
  return { lowers, store, mount: () => unionOf({ lowers, store, policy: shape.policy }) };
}

/** Gives the root of an upper, which is what the root of a union shows, the attributes of another root. */
export function dressUpper(store: FileSystem, like: FileSystem): FileSystem {
  const { mode, uid, gid, atimeNs, mtimeNs } = like.getattr(like.root);
  store.setattr(upperOn(store).upper.root, { mode, uid, gid, atimeNs, mtimeNs });
  return store;
}

/** The file system that a union of these lowers has to equal: everything copied in advance. */
export function deepCopy(lowers: readonly MemoryFileSystem[]): MemoryFileSystem {
  const merged = lowers
    .map((lower) => treeFromFileSystem(lower))
    .reduceRight((below, above) => naiveMerge(above, below), newDirectory());
  return memoryFromTree(merged, { clock: steppingClock(1_700_000_000, 1n) });
}

/** Lays a tree with overlayfs's marks over another, the simple way. */
export function naiveMerge(above: TreeDirectory, below: TreeDirectory): TreeDirectory {
  const opaque = isOpaque(above);
  const merged = newDirectory(withoutMarks(above));
  if (!opaque) for (const [name, inode] of below.entries) merged.entries.set(name, inode);
  for (const [name, inode] of above.entries) {
    const beneath = merged.entries.get(name);
    if (inode.type === 'char' && inode.rdev.major + inode.rdev.minor === 0) merged.entries.delete(name);
    else if (inode.type !== 'directory') merged.entries.set(name, withoutMarks(inode));
    else
      merged.entries.set(name, naiveMerge(inode, beneath?.type === 'directory' ? beneath : newDirectory()));
  }
  return merged;
}

function isOpaque(directory: TreeDirectory): boolean {
  return [...directory.xattrs].some(
    ([name, value]) => name === 'trusted.overlay.opaque' && value[0] === 0x79,
  );
}

/** Takes the marks off an object, which stays the same object for all its names. */
function withoutMarks<Inode extends TreeInode>(inode: Inode): Inode {
  inode.xattrs = new Map([...inode.xattrs].filter(([name]) => !name.startsWith('trusted.overlay.')));
  return inode;
}
