import { expect, test } from 'vitest';
import type { ByteString } from '../../tools/core/index.js';
import type { FileSystem, FileType } from '../../tools/vfs/index.js';
import {
  b,
  errnoOf,
  find,
  makeFile,
  names,
  newDirectoryAttributes,
  newFile,
  plain,
  textOf,
} from '../support/files.js';
import type { Backend } from './backend.js';

/** Making, linking and removing names; objects without a name. */
export function nameTests(backend: Backend, mountEmpty: () => FileSystem): void {
  const { lacks = [] } = backend;

  test('makes an object of every type with the attributes asked for', () => {
    const fileSystem = mountEmpty();
    const { root } = fileSystem;
    const owner = { mode: 0o4751, uid: 12, gid: 34 };
    fileSystem.mknod(root, b('file'), { type: 'file', ...owner });
    fileSystem.mknod(root, b('char'), { type: 'char', ...owner, rdev: { major: 5, minor: 1 } });
    fileSystem.mknod(root, b('block'), { type: 'block', ...owner, rdev: { major: 259, minor: 70_000 } });
    fileSystem.mknod(root, b('fifo'), { type: 'fifo', ...owner });
    fileSystem.mknod(root, b('socket'), { type: 'socket', ...owner });
    fileSystem.mkdir(root, b('directory'), owner);
    for (const type of ['file', 'char', 'block', 'fifo', 'socket', 'directory'] satisfies FileType[]) {
      expect(fileSystem.getattr(find(fileSystem, type))).toMatchObject({ type, ...owner });
    }
    expect(fileSystem.getattr(find(fileSystem, 'char')).rdev).toEqual({ major: 5, minor: 1 });
    expect(fileSystem.getattr(find(fileSystem, 'block')).rdev).toEqual({ major: 259, minor: 70_000 });
    const link = fileSystem.symlink(root, b('symlink'), 'any \xff target' as ByteString, {
      ...owner,
      mode: 0o777,
    });
    expect(fileSystem.getattr(link)).toMatchObject({ type: 'symlink', uid: 12, gid: 34, size: 12 });
    expect(fileSystem.readlink(link)).toBe('any \xff target');
  });

  test('refuses a name that exists, is too long, or lies in no directory', () => {
    const fileSystem = mountEmpty();
    const { root } = fileSystem;
    const file = makeFile(fileSystem, root, 'file');
    const long = 'x'.repeat(256) as ByteString;
    expect(errnoOf(() => fileSystem.mknod(root, b('file'), newFile))).toBe('EEXIST');
    expect(errnoOf(() => fileSystem.mkdir(root, b('file'), plain))).toBe('EEXIST');
    expect(errnoOf(() => fileSystem.symlink(root, b('file'), b('t'), plain))).toBe('EEXIST');
    expect(
      errnoOf(() => {
        fileSystem.link(file, root, b('file'));
      }),
    ).toBe('EEXIST');
    expect(errnoOf(() => fileSystem.mknod(root, long, newFile))).toBe('ENAMETOOLONG');
    expect(errnoOf(() => fileSystem.mkdir(file, b('x'), plain))).toBe('ENOTDIR');
    expect(names(fileSystem)).toEqual(['file']);
    fileSystem.mknod(root, 'y'.repeat(backend.nameMax ?? 255) as ByteString, newFile);
  });

  test('keeps the content until the last of its names is gone', () => {
    const fileSystem = mountEmpty();
    const { root } = fileSystem;
    const sub = fileSystem.mkdir(root, b('sub'), newDirectoryAttributes);
    const file = makeFile(fileSystem, root, 'a', 'content');
    fileSystem.link(file, sub, b('b'));
    expect(fileSystem.getattr(file).nlink).toBe(2);
    fileSystem.unlink(root, b('a'));
    expect(fileSystem.getattr(file).nlink).toBe(1);
    expect(textOf(fileSystem, find(fileSystem, 'sub/b'))).toBe('content');
    fileSystem.unlink(sub, b('b'));
    expect(names(fileSystem, sub)).toEqual([]);
  });

  test('links symlinks and nodes too, but no directory', () => {
    const fileSystem = mountEmpty();
    const { root } = fileSystem;
    const link = fileSystem.symlink(root, b('s'), b('t'), plain);
    fileSystem.link(link, root, b('s2'));
    expect(fileSystem.readlink(find(fileSystem, 's2'))).toBe('t');
    const directory = fileSystem.mkdir(root, b('d'), plain);
    expect(
      errnoOf(() => {
        fileSystem.link(directory, root, b('d2'));
      }),
    ).toBe('EPERM');
  });

  test('removes files with unlink, empty directories with rmdir, and nothing else', () => {
    const fileSystem = mountEmpty();
    const { root } = fileSystem;
    const sub = fileSystem.mkdir(root, b('sub'), newDirectoryAttributes);
    makeFile(fileSystem, sub, 'inner');
    makeFile(fileSystem, root, 'file');
    expect(
      errnoOf(() => {
        fileSystem.unlink(root, b('sub'));
      }),
    ).toBe('EISDIR');
    expect(
      errnoOf(() => {
        fileSystem.rmdir(root, b('file'));
      }),
    ).toBe('ENOTDIR');
    expect(
      errnoOf(() => {
        fileSystem.rmdir(root, b('sub'));
      }),
    ).toBe('ENOTEMPTY');
    expect(
      errnoOf(() => {
        fileSystem.unlink(root, b('absent'));
      }),
    ).toBe('ENOENT');
    expect(
      errnoOf(() => {
        fileSystem.rmdir(root, b('absent'));
      }),
    ).toBe('ENOENT');
    fileSystem.unlink(sub, b('inner'));
    fileSystem.rmdir(root, b('sub'));
    fileSystem.unlink(root, b('file'));
    expect(names(fileSystem)).toEqual([]);
  });

  test('an open file without a name goes on until it is released', () => {
    const fileSystem = mountEmpty();
    const { root } = fileSystem;
    const file = makeFile(fileSystem, root, 'f', 'still');
    fileSystem.open(file, 'write');
    fileSystem.unlink(root, b('f'));
    fileSystem.write(file, 5, Buffer.from(' here'));
    fileSystem.setattr(file, { mode: 0o600 });
    expect(textOf(fileSystem, file)).toBe('still here');
    expect(fileSystem.getattr(file)).toMatchObject({ nlink: 0, mode: 0o600 });
    expect(
      errnoOf(() => {
        fileSystem.link(file, root, b('back'));
      }),
    ).toBe('ENOENT');
    fileSystem.release(file);
    makeFile(fileSystem, root, 'f', 'new');
    expect(textOf(fileSystem, find(fileSystem, 'f'))).toBe('new');
  });

  test('a removed directory that is still held takes no new names', () => {
    const fileSystem = mountEmpty();
    const { root } = fileSystem;
    const sub = fileSystem.mkdir(root, b('sub'), newDirectoryAttributes);
    fileSystem.open(sub, 'read');
    fileSystem.rmdir(root, b('sub'));
    expect(errnoOf(() => fileSystem.mknod(sub, b('x'), newFile))).toBe('ENOENT');
    expect(fileSystem.readdir(sub)).toEqual([]);
    fileSystem.release(sub);
  });

  if (!lacks.includes('tmpfile')) {
    test('a file without a name can be given one', () => {
      const fileSystem = mountEmpty();
      const { root } = fileSystem;
      const file = fileSystem.tmpfile(root, plain);
      fileSystem.open(file, 'write');
      fileSystem.write(file, 0, Buffer.from('nameless'));
      expect(fileSystem.getattr(file).nlink).toBe(0);
      expect(names(fileSystem)).toEqual([]);
      fileSystem.link(file, root, b('named'));
      fileSystem.release(file);
      expect(fileSystem.getattr(find(fileSystem, 'named')).nlink).toBe(1);
      expect(textOf(fileSystem, find(fileSystem, 'named'))).toBe('nameless');
    });
  }

  if (!lacks.includes('directory-link-count')) {
    test('a directory counts its subdirectories', () => {
      const fileSystem = mountEmpty();
      const { root } = fileSystem;
      const count = (): number => fileSystem.getattr(root).nlink;
      expect(count()).toBe(2);
      const sub = fileSystem.mkdir(root, b('a'), newDirectoryAttributes);
      fileSystem.mkdir(root, b('b'), newDirectoryAttributes);
      expect(count()).toBe(4);
      fileSystem.rename(root, b('b'), sub, b('b'));
      expect([count(), fileSystem.getattr(sub).nlink]).toEqual([3, 3]);
      fileSystem.rmdir(sub, b('b'));
      fileSystem.rmdir(root, b('a'));
      expect(count()).toBe(2);
    });
  }

  test('a listing in portions shows each lasting name once while others come and go', () => {
    const fileSystem = mountEmpty();
    const { root } = fileSystem;
    for (let index = 0; index < 60; index++) makeFile(fileSystem, root, `stay-${index}`);
    for (let index = 0; index < 60; index++) makeFile(fileSystem, root, `go-${index}`);
    const seen: string[] = [];
    let round = 0;
    for (let cookie = 0; ; round++) {
      const portion = fileSystem.readdir(root, cookie, 10);
      const last = portion.at(-1);
      if (!last) break;
      seen.push(...portion.map((entry) => entry.name));
      for (const entry of portion) if (entry.name.startsWith('go-')) fileSystem.unlink(root, entry.name);
      if (round < 5) makeFile(fileSystem, root, `come-${round}`);
      cookie = last.cookie;
    }
    const stayed = seen.filter((name) => name.startsWith('stay-'));
    expect(stayed).toHaveLength(60);
    expect(new Set(seen).size).toBe(seen.length);
    expect(names(fileSystem).filter((name) => name.startsWith('go-'))).toEqual([]);
  });
}
