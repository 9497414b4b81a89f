import { expect, test } from 'vitest';
import { byteStringFromText as b, steppingClock } from '../../../tools/core/index.js';
import {
  bytesContent,
  FsError,
  memoryFromTree,
  MemoryFileSystem,
  newDirectory,
  treeFromFileSystem,
  walkTree,
} from '../../../tools/vfs/index.js';
import { failCall, failChange } from '../../../tools/vfs/memory/faults.js';
import type { TreeFile } from '../../../tools/vfs/index.js';

const file = { type: 'file', mode: 0o644, uid: 1, gid: 2 } as const;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test('a clone and its origin change apart', () => {
  const origin = new MemoryFileSystem();
  const kept = origin.mknod(origin.root, b('kept'), file);
  origin.write(kept, 0, Buffer.from('before'));
  const copy = origin.clone();
  origin.write(kept, 0, Buffer.from('origin'));
  copy.write(kept, 0, Buffer.from('copied'));
  copy.unlink(copy.root, b('kept'));
  origin.mknod(origin.root, b('new'), file);
  expect(text(origin.read(kept, 0, 10))).toBe('origin');
  expect(copy.readdir(copy.root)).toEqual([]);
  expect(origin.readdir(origin.root).map((entry) => entry.name)).toEqual(['kept', 'new']);
});

test('a clone drops open objects without a name, as a power cut does', () => {
  const origin = new MemoryFileSystem({ capacity: 8192 });
  const ino = origin.mknod(origin.root, b('gone'), file);
  origin.write(ino, 0, new Uint8Array(8192));
  origin.open(ino, 'write');
  origin.unlink(origin.root, b('gone'));
  expect(origin.statfs().blocksFree).toBe(0);
  const copy = origin.clone();
  expect(copy.statfs().blocksFree).toBe(2);
  expect(() => copy.getattr(ino)).toThrow(FsError);
  expect(origin.getattr(ino).nlink).toBe(0);
});

test('a full file system writes what fits, then answers ENOSPC, and space returns', () => {
  const full = new MemoryFileSystem({ capacity: 3 * 4096 });
  const ino = full.mknod(full.root, b('f'), file);
  expect(full.write(ino, 100, new Uint8Array(5 * 4096))).toBe(3 * 4096 - 100);
  expect(() => full.write(ino, 3 * 4096, new Uint8Array(1))).toThrow('ENOSPC');
  expect(full.write(ino, 5, new Uint8Array(10))).toBe(10);
  full.setattr(ino, { size: 4096 });
  expect(full.statfs().blocksFree).toBe(2);
  full.unlink(full.root, b('f'));
  expect(full.statfs().blocksFree).toBe(3);
});

test('the n-th change fails with the errno asked for and without effect', () => {
  const memory = new MemoryFileSystem();
  memory.fault = failChange(2, 'EIO');
  memory.mkdir(memory.root, b('a'), file);
  expect(() => memory.mkdir(memory.root, b('b'), file)).toThrow('EIO');
  memory.mkdir(memory.root, b('c'), file);
  expect(memory.readdir(memory.root).map((entry) => entry.name)).toEqual(['a', 'c']);
  memory.fault = failCall('readdir', 'EIO');
  expect(() => memory.readdir(memory.root)).toThrow('EIO');
  expect(memory.readdir(memory.root)).toHaveLength(2);
});

test('numbers of removed objects are given again only when asked for', () => {
  for (const reuseNumbers of [false, true]) {
    const memory = new MemoryFileSystem({ reuseNumbers });
    const first = memory.mknod(memory.root, b('a'), file);
    memory.unlink(memory.root, b('a'));
    expect(memory.mknod(memory.root, b('b'), file) === first).toBe(reuseNumbers);
  }
});

test('limits on inodes, links and file size answer ENOSPC, EMLINK and EFBIG', () => {
  const memory = new MemoryFileSystem({ inodeLimit: 3, linkLimit: 2, fileSizeLimit: 10 });
  const ino = memory.mknod(memory.root, b('a'), file);
  memory.link(ino, memory.root, b('b'));
  expect(() => memory.link(ino, memory.root, b('c'))).toThrow('EMLINK');
  memory.mkdir(memory.root, b('d'), file);
  expect(() => memory.mkdir(memory.root, b('e'), file)).toThrow('ENOSPC');
  expect(memory.write(ino, 5, new Uint8Array(20))).toBe(5);
  expect(() => memory.write(ino, 10, new Uint8Array(1))).toThrow('EFBIG');
  expect(() => memory.setattr(ino, { size: 11 })).toThrow('EFBIG');
});

test('relatime moves the access time once after each change', () => {
  const memory = new MemoryFileSystem({ clock: steppingClock(1, 1000n), atime: 'relatime' });
  const ino = memory.mknod(memory.root, b('a'), file);
  memory.write(ino, 0, Buffer.from('x'));
  memory.read(ino, 0, 1);
  const first = memory.getattr(ino).atimeNs;
  expect(first).toBeGreaterThan(memory.getattr(ino).mtimeNs);
  memory.read(ino, 0, 1);
  expect(memory.getattr(ino).atimeNs).toBe(first);
});

test('a tree survives the way into a file system and back', () => {
  const shared: TreeFile = {
    type: 'file',
    mode: 0o4755,
    uid: 1000,
    gid: 100,
    mtimeNs: 5n,
    xattrs: new Map([[b('user.x'), new Uint8Array([49])]]),
    content: bytesContent(Buffer.alloc(3_000_000, 'ab')),
  };
  const tree = newDirectory({ mode: 0o700, mtimeNs: 77n });
  const inner = newDirectory({ mtimeNs: 9n });
  inner.entries.set(b('hard'), shared);
  tree.entries.set(b('a'), shared);
  tree.entries.set(b('dir'), inner);
  const node = { mode: 0o600, uid: 0, gid: 0, mtimeNs: 1n, xattrs: new Map<never, never>() };
  tree.entries.set(b('null'), { type: 'char', ...node, rdev: { major: 1, minor: 3 } });
  tree.entries.set(b('pipe'), { type: 'fifo', ...node });
  tree.entries.set(b('sym'), { ...node, type: 'symlink', mode: 0o777, target: b('dir/hard') });

  const back = treeFromFileSystem(memoryFromTree(tree));
  const plain = (root: typeof tree): unknown[] =>
    [...walkTree(root)].map(({ path, inode }) =>
      inode.type === 'file'
        ? [path, { ...inode, content: text(inode.content.read(0, 4_000_000)) }]
        : [path, inode.type === 'directory' ? { ...inode, entries: 0 } : inode],
    );
  expect(plain(back)).toEqual(plain(tree));
  expect({ ...back, entries: 0 }).toEqual({ ...tree, entries: 0 });
  const twin = back.entries.get(b('dir'));
  expect(twin?.type === 'directory' && twin.entries.get(b('hard'))).toBe(back.entries.get(b('a')));
});
