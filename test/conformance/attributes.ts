import { expect, test } from 'vitest';
import type { FileSystem, Ino } from '../../tools/vfs/index.js';
import { b, errnoOf, find, makeFile, newDirectoryAttributes } from '../support/files.js';
import type { Backend } from './backend.js';

/** Modes, owners, times and extended attributes. */
export function attributeTests(backend: Backend, mountEmpty: () => FileSystem): void {
  const { lacks = [] } = backend;

  test('changes what is asked and nothing else', () => {
    const fileSystem = mountEmpty();
    const file = makeFile(fileSystem, fileSystem.root, 'f', 'text');
    const before = fileSystem.getattr(file);
    expect(fileSystem.setattr(file, { uid: 7, gid: 8 })).toMatchObject({
      uid: 7,
      gid: 8,
      mode: before.mode,
      size: 4,
    });
    expect(fileSystem.setattr(file, { mode: 0o6750 })).toMatchObject({ uid: 7, gid: 8, mode: 0o6750 });
    expect(fileSystem.getattr(file).mtimeNs).toBe(before.mtimeNs);
  });

  test('sets both times of a file, a directory and a symlink', () => {
    const fileSystem = mountEmpty();
    const { root } = fileSystem;
    makeFile(fileSystem, root, 'f');
    fileSystem.mkdir(root, b('d'), newDirectoryAttributes);
    fileSystem.symlink(root, b('s'), b('nowhere'), { mode: 0o777, uid: 0, gid: 0 });
    const fraction = lacks.includes('nanoseconds') ? 0n : 123_456_789n;
    const [atimeNs, mtimeNs] = [1_234_567_890_000_000_000n + fraction, 1_600_000_000_000_000_000n + fraction];
    for (const name of ['f', 'd', 's']) {
      const ino = find(fileSystem, name);
      fileSystem.setattr(ino, { atimeNs, mtimeNs });
      expect(fileSystem.getattr(ino).mtimeNs).toBe(mtimeNs);
      if (!lacks.includes('access-time')) expect(fileSystem.getattr(ino).atimeNs).toBe(atimeNs);
    }
  });

  test('a change of content or names moves the time of modification', () => {
    const fileSystem = mountEmpty();
    const { root } = fileSystem;
    const old = 1_000_000_000_000_000_000n;
    const moves = (ino: Ino, change: () => void): boolean => {
      fileSystem.setattr(ino, { mtimeNs: old });
      change();
      return fileSystem.getattr(ino).mtimeNs !== old;
    };
    const file = makeFile(fileSystem, root, 'f', 'text');
    expect(moves(file, () => fileSystem.write(file, 0, Buffer.from('x')))).toBe(true);
    expect(moves(file, () => fileSystem.setattr(file, { size: 1 }))).toBe(true);
    expect(moves(file, () => fileSystem.setattr(file, { mode: 0o600 }))).toBe(false);
    expect(moves(file, () => fileSystem.read(file, 0, 1))).toBe(false);
    expect(moves(root, () => makeFile(fileSystem, root, 'g'))).toBe(true);
    expect(
      moves(root, () => {
        fileSystem.rename(root, b('g'), root, b('h'));
      }),
    ).toBe(true);
    expect(
      moves(root, () => {
        fileSystem.unlink(root, b('h'));
      }),
    ).toBe(true);
    expect(moves(root, () => fileSystem.write(file, 0, Buffer.from('y')))).toBe(false);
  });

  test('answers ESTALE or ENOENT for an object that is gone', () => {
    const fileSystem = mountEmpty();
    const file = makeFile(fileSystem, fileSystem.root, 'f');
    fileSystem.unlink(fileSystem.root, b('f'));
    expect(['ESTALE', 'ENOENT']).toContain(errnoOf(() => fileSystem.getattr(file)));
  });

  if (lacks.includes('xattrs')) {
    test('answers EOPNOTSUPP to xattrs', () => {
      const fileSystem = mountEmpty();
      const file = makeFile(fileSystem, fileSystem.root, 'f');
      expect(
        errnoOf(() => {
          fileSystem.setxattr(file, b('user.x'), new Uint8Array(1));
        }),
      ).toBe('EOPNOTSUPP');
      expect(errnoOf(() => fileSystem.getxattr(file, b('user.x')))).toBe('EOPNOTSUPP');
    });
    return;
  }

  test('keeps xattrs of files, directories and symlinks, binary and empty ones too', () => {
    const fileSystem = mountEmpty();
    const { root } = fileSystem;
    const file = makeFile(fileSystem, root, 'f');
    const directory = fileSystem.mkdir(root, b('d'), newDirectoryAttributes);
    const link = fileSystem.symlink(root, b('s'), b('t'), { mode: 0o777, uid: 0, gid: 0 });
    for (const ino of [file, directory]) {
      fileSystem.setxattr(ino, b('user.binary'), new Uint8Array([0, 1, 255]));
      fileSystem.setxattr(ino, b('user.empty'), new Uint8Array(0));
      expect([...fileSystem.listxattr(ino)].sort()).toEqual(['user.binary', 'user.empty']);
      expect([...fileSystem.getxattr(ino, b('user.binary'))]).toEqual([0, 1, 255]);
      expect(fileSystem.getxattr(ino, b('user.empty'))).toHaveLength(0);
      fileSystem.removexattr(ino, b('user.empty'));
      expect([...fileSystem.listxattr(ino)]).toEqual(['user.binary']);
    }
    fileSystem.setxattr(link, b('trusted.x'), Buffer.from('of the link'));
    expect(Buffer.from(fileSystem.getxattr(link, b('trusted.x'))).toString()).toBe('of the link');
  });

  test('obeys the create and replace modes of setxattr', () => {
    const fileSystem = mountEmpty();
    const file = makeFile(fileSystem, fileSystem.root, 'f');
    const name = b('user.x');
    expect(
      errnoOf(() => {
        fileSystem.setxattr(file, name, new Uint8Array(1), 'replace');
      }),
    ).toBe('ENODATA');
    fileSystem.setxattr(file, name, Buffer.from('1'), 'create');
    expect(
      errnoOf(() => {
        fileSystem.setxattr(file, name, Buffer.from('2'), 'create');
      }),
    ).toBe('EEXIST');
    fileSystem.setxattr(file, name, Buffer.from('3'), 'replace');
    expect(Buffer.from(fileSystem.getxattr(file, name)).toString()).toBe('3');
    expect(
      errnoOf(() => {
        fileSystem.removexattr(file, b('user.absent'));
      }),
    ).toBe('ENODATA');
    expect(
      errnoOf(() => {
        fileSystem.setxattr(file, b('nowhere.x'), new Uint8Array(1));
      }),
    ).toBe('EOPNOTSUPP');
  });
}
