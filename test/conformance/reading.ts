import { expect, test } from 'vitest';
import type { ByteString } from '../../tools/core/index.js';
import { bytesContent, newDirectory, treeFromFileSystem, walkTree } from '../../tools/vfs/index.js';
import type { FileSystem, TreeDirectory, TreeInode } from '../../tools/vfs/index.js';
import { b, errnoOf, find, names } from '../support/files.js';
import type { Backend } from './backend.js';

const second = 1_000_000_000n;

/** A tree with every type, odd names, hard links, sizes around the usual limits, and xattrs. */
export function sampleTree(withXattrs: boolean, nameMax = 255): TreeDirectory {
  const common = (): {
    mode: number;
    uid: number;
    gid: number;
    mtimeNs: bigint;
    xattrs: Map<ByteString, Uint8Array>;
  } => ({
    mode: 0o644,
    uid: 1000,
    gid: 100,
    mtimeNs: 1_600_000_000n * second,
    xattrs: new Map(),
  });
  const file = (size: number): TreeInode => {
    const bytes = new Uint8Array(size).map((_, index) => (index * 7 + (index >> 8)) & 0xff);
    return { type: 'file', ...common(), content: bytesContent(bytes) };
  };
  const sub = newDirectory({ mode: 0o1777, uid: 5, gid: 6, mtimeNs: 1_500_000_000n * second });
  const tree = newDirectory({ mtimeNs: 1_400_000_000n * second });
  for (const size of [0, 1, 4095, 4096, 4097, 131_071, 131_072, 131_073, 400_000]) {
    sub.entries.set(b(`size-${size}`), file(size));
  }
  const hard = file(10);
  hard.mode = 0o4755;
  if (withXattrs) {
    hard.xattrs = new Map([
      [b('user.one'), new Uint8Array([0, 255, 10])],
      [b('user.empty'), new Uint8Array(0)],
      [b('security.capability'), Buffer.from('0100000200200000000000000000000000000000', 'hex')],
    ]);
    sub.xattrs = new Map([[b('user.dir'), Buffer.from('directory')]]);
  }
  tree.entries.set(b('hard'), hard);
  sub.entries.set(b('link'), hard);
  tree.entries.set(b('sub'), sub);
  tree.entries.set(b('symlink'), { type: 'symlink', ...common(), mode: 0o777, target: b('sub/ünïcode') });
  tree.entries.set(b('null'), { type: 'char', ...common(), rdev: { major: 1, minor: 3 } });
  tree.entries.set(b('disk'), { type: 'block', ...common(), rdev: { major: 8, minor: 300 } });
  tree.entries.set(b('pipe'), { type: 'fifo', ...common() });
  tree.entries.set(b('sock'), { type: 'socket', ...common() });
  tree.entries.set('n'.repeat(nameMax) as ByteString, file(3));
  tree.entries.set('not \xff utf-8 \x01\n' as ByteString, file(4));
  const many = newDirectory({ mtimeNs: second });
  for (let index = 0; index < 700; index++) many.entries.set(b(`entry-${index}`), file(0));
  tree.entries.set(b('many'), many);
  return tree;
}

function describeInode(inode: TreeInode): unknown {
  const { mode, uid, gid, mtimeNs } = inode;
  const xattrs = [...inode.xattrs].map(([name, value]) => [name, Buffer.from(value).toString('hex')]).sort();
  const base = { type: inode.type, mode, uid, gid, mtimeNs, xattrs };
  switch (inode.type) {
    case 'file':
      return { ...base, content: Buffer.from(inode.content.read(0, inode.content.size)).toString('hex') };
    case 'symlink':
      return { ...base, target: inode.target };
    case 'char':
    case 'block':
      return { ...base, rdev: inode.rdev };
    default:
      return base;
  }
}

/** Everything a tree holds, as plain values that compare; hard links by a number. */
export function describeTree(tree: TreeDirectory): unknown[] {
  const numbers = new Map<TreeInode, number>();
  return [...walkTree(tree)].map(({ path, inode }) => {
    if (!numbers.has(inode)) numbers.set(inode, numbers.size);
    return [path, numbers.get(inode), describeInode(inode)];
  });
}

/** Tests that change nothing. */
export function readingTests(backend: Backend, mountSample: () => FileSystem): void {
  test('shows every object of the tree it was made from', () => {
    if (backend.lacks?.includes('links-of-the-tree')) return;
    const expected = sampleTree(!backend.lacks?.includes('xattrs'), backend.nameMax);
    expect(describeTree(treeFromFileSystem(mountSample()))).toEqual(describeTree(expected));
  });

  test('lists in portions exactly what it lists at once', () => {
    const fileSystem = mountSample();
    const many = find(fileSystem, 'many');
    const all = fileSystem.readdir(many);
    expect(all).toHaveLength(700);
    for (const limit of [1, 7, 699, 700, 701]) {
      const seen = [];
      for (let cookie = 0; ;) {
        const portion = fileSystem.readdir(many, cookie, limit);
        expect(portion.length).toBeLessThanOrEqual(limit);
        seen.push(...portion);
        const last = portion.at(-1);
        if (!last) break;
        cookie = last.cookie;
      }
      expect(seen).toEqual(all);
    }
  });

  test('lists numbers and types that lookup and getattr confirm', () => {
    const fileSystem = mountSample();
    for (const directory of [fileSystem.root, find(fileSystem, 'sub')]) {
      for (const { name, ino, type } of fileSystem.readdir(directory)) {
        expect(fileSystem.lookup(directory, name)).toBe(ino);
        expect(fileSystem.getattr(ino)).toMatchObject({ ino, type });
      }
    }
    expect(fileSystem.getattr(fileSystem.root)).toMatchObject({ ino: fileSystem.root, type: 'directory' });
  });

  test('counts the links of a file, and gives one number to all its names', () => {
    if (backend.lacks?.includes('links-of-the-tree')) return;
    const fileSystem = mountSample();
    expect(find(fileSystem, 'hard')).toBe(find(fileSystem, 'sub/link'));
    expect(fileSystem.getattr(find(fileSystem, 'hard')).nlink).toBe(2);
  });

  test('finds no name that is not there, and refuses what cannot be looked up', () => {
    const fileSystem = mountSample();
    expect(fileSystem.lookup(fileSystem.root, b('absent'))).toBeUndefined();
    expect(errnoOf(() => fileSystem.lookup(find(fileSystem, 'hard'), b('x')))).toBe('ENOTDIR');
    expect(errnoOf(() => fileSystem.lookup(fileSystem.root, 'x'.repeat(256) as ByteString))).toBe(
      'ENAMETOOLONG',
    );
    expect(errnoOf(() => fileSystem.readdir(find(fileSystem, 'hard')))).toBe('ENOTDIR');
    expect(errnoOf(() => fileSystem.readlink(find(fileSystem, 'hard')))).toBe('EINVAL');
  });

  test('knows the directory above each directory; the root is its own', () => {
    const fileSystem = mountSample();
    expect(fileSystem.parent(find(fileSystem, 'sub'))).toBe(fileSystem.root);
    expect(fileSystem.parent(fileSystem.root)).toBe(fileSystem.root);
  });

  test('reads any range, shorter only at the end', () => {
    const fileSystem = mountSample();
    const ino = find(fileSystem, 'sub/size-400000');
    const whole = Buffer.from(fileSystem.read(ino, 0, 500_000));
    expect(whole).toHaveLength(400_000);
    for (const [offset, length] of [
      [0, 1],
      [4095, 2],
      [131_071, 2],
      [131_072, 131_072],
      [399_990, 100],
      [400_000, 5],
    ]) {
      expect(Buffer.from(fileSystem.read(ino, offset ?? 0, length ?? 0))).toEqual(
        whole.subarray(offset, (offset ?? 0) + (length ?? 0)),
      );
    }
    expect(fileSystem.read(ino, 900_000, 10)).toHaveLength(0);
    expect(errnoOf(() => fileSystem.read(find(fileSystem, 'sub'), 0, 1))).toBe('EISDIR');
  });

  test('finds data and the hole at the end, and nothing beyond', () => {
    const fileSystem = mountSample();
    const ino = find(fileSystem, 'sub/size-4097');
    expect(fileSystem.seek(ino, 0, 'data')).toBe(0);
    expect(fileSystem.seek(ino, 10, 'data')).toBe(10);
    expect(fileSystem.seek(ino, 10, 'hole')).toBe(4097);
    expect(errnoOf(() => fileSystem.seek(ino, 4097, 'data'))).toBe('ENXIO');
  });

  test('answers ENODATA for an xattr that is not there', () => {
    if (backend.lacks?.includes('xattrs')) return;
    const fileSystem = mountSample();
    expect(errnoOf(() => fileSystem.getxattr(find(fileSystem, 'hard'), b('user.absent')))).toBe('ENODATA');
    expect([...fileSystem.listxattr(find(fileSystem, 'null'))]).toEqual([]);
  });

  test('reports space and a name limit', () => {
    const { blockSize, blocks, nameMax } = mountSample().statfs();
    expect(blockSize).toBeGreaterThan(0);
    expect(blocks).toBeGreaterThanOrEqual(0);
    expect(nameMax).toBe(backend.statedNameMax ?? backend.nameMax ?? 255);
  });

  test('holds and lets go of an object any number of times', () => {
    const fileSystem = mountSample();
    const ino = find(fileSystem, 'hard');
    fileSystem.open(ino, 'read');
    fileSystem.open(ino, 'read');
    fileSystem.release(ino);
    fileSystem.release(ino);
    expect(fileSystem.read(ino, 0, 1)).toHaveLength(1);
  });

  if (backend.readOnly) {
    test('answers EROFS to every change and stays as it is', () => {
      const fileSystem = mountSample();
      const { root } = fileSystem;
      const [file, sub] = [find(fileSystem, 'hard'), find(fileSystem, 'sub')];
      const changes: (() => unknown)[] = [
        () => fileSystem.mknod(root, b('new'), { type: 'file', mode: 0o644, uid: 0, gid: 0 }),
        () => fileSystem.mkdir(root, b('new'), { mode: 0o755, uid: 0, gid: 0 }),
        () => fileSystem.symlink(root, b('new'), b('x'), { mode: 0o777, uid: 0, gid: 0 }),
        () => {
          fileSystem.link(file, root, b('new'));
        },
        () => {
          fileSystem.unlink(root, b('hard'));
        },
        () => {
          fileSystem.rmdir(root, b('sub'));
        },
        () => {
          fileSystem.rename(root, b('hard'), sub, b('moved'));
        },
        () => fileSystem.tmpfile(root, { mode: 0o644, uid: 0, gid: 0 }),
        () => fileSystem.setattr(file, { mode: 0o600 }),
        () => fileSystem.write(file, 0, new Uint8Array(1)),
        () => {
          fileSystem.setxattr(file, b('user.x'), new Uint8Array(1));
        },
        () => {
          fileSystem.removexattr(file, b('user.one'));
        },
        () => {
          fileSystem.fallocate(file, 0, 10, 'allocate');
        },
      ];
      const before = names(fileSystem);
      expect(fileSystem.readOnly).toBe(true);
      expect(changes.map(errnoOf)).toEqual(changes.map(() => 'EROFS'));
      expect(names(fileSystem)).toEqual(before);
    });
  }
}
