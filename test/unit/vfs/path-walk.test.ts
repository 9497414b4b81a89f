import { beforeEach, expect, test } from 'vitest';
import { byteStringFromText as b } from '../../../tools/core/index.js';
import {
  FsError,
  makeDirectories,
  MemoryFileSystem,
  readFile,
  removeTree,
  resolve,
  resolveParent,
  statPath,
  writeFile,
} from '../../../tools/vfs/index.js';
import type { WalkOptions } from '../../../tools/vfs/index.js';

let fileSystem: MemoryFileSystem;
const link = (name: string, target: string, directory = fileSystem.root): number =>
  fileSystem.symlink(directory, b(name), b(target), { mode: 0o777, uid: 0, gid: 0 });
const walk = (path: string, options?: WalkOptions): string | number => {
  try {
    return resolve(fileSystem, b(path), options);
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
};

beforeEach(() => {
  fileSystem = new MemoryFileSystem();
  makeDirectories(fileSystem, b('/a/b'));
  writeFile(fileSystem, b('/a/b/file'), Buffer.from('text'));
});

test('dot-dot of the root is the root, and dot stays', () => {
  expect(walk('/..')).toBe(fileSystem.root);
  expect(walk('/../../a/./b/../b/file')).toBe(walk('/a/b/file'));
  expect(walk('//a///b')).toBe(walk('/a/b'));
});

test('a trailing slash demands a directory, through a symlink too', () => {
  link('to-dir', 'a');
  link('to-file', 'a/b/file');
  expect(walk('/a/b/')).toBe(walk('/a/b'));
  expect(walk('/a/b/file/')).toBe('ENOTDIR');
  expect(walk('/to-dir/', { follow: false })).toBe(walk('/a'));
  expect(walk('/to-file/')).toBe('ENOTDIR');
  expect(walk('/a/b/file/.')).toBe('ENOTDIR');
});

test('forty symlinks are followed, one more is ELOOP', () => {
  link('l0', 'a');
  for (let index = 1; index < 42; index++) link(`l${index}`, `l${index - 1}`);
  expect(walk('/l39')).toBe(walk('/a'));
  expect(walk('/l40')).toBe('ELOOP');
  link('self', 'self');
  expect(walk('/self')).toBe('ELOOP');
  expect(walk('/self', { follow: false })).toBeTypeOf('number');
});

test('a relative target starts beside its link, an absolute one at the root', () => {
  link('up', '../b/file', resolve(fileSystem, b('/a/b')));
  link('abs', '/a/b', resolve(fileSystem, b('/a')));
  expect(walk('/a/b/up')).toBe(walk('/a/b/file'));
  expect(walk('/a/abs/file')).toBe(walk('/a/b/file'));
  expect(walk('b/file', { from: resolve(fileSystem, b('/a')) })).toBe(walk('/a/b/file'));
});

test('the last name may be missing where a name is to be made', () => {
  const parent = resolve(fileSystem, b('/a/b'));
  expect(resolveParent(fileSystem, b('/a/b/new/'))).toEqual({
    directory: parent,
    name: 'new',
    ino: undefined,
    trailingSlash: true,
  });
  expect(resolveParent(fileSystem, b('/a/..'))).toMatchObject({ name: '', ino: fileSystem.root });
  link('dangling', 'a/b/made');
  expect(resolveParent(fileSystem, b('/dangling'), { follow: true })).toMatchObject({
    directory: parent,
    name: 'made',
  });
  expect(walk('/a/none/file')).toBe('ENOENT');
  expect(walk('')).toBe('ENOENT');
  expect(walk(`/${'x'.repeat(4096)}`)).toBe('ENAMETOOLONG');
});

test('search right is needed on each directory, for its class of caller', () => {
  fileSystem.setattr(resolve(fileSystem, b('/a')), { mode: 0o710, uid: 5, gid: 6 });
  expect(walk('/a/b', { credentials: { uid: 5, gid: 9 } })).toBeTypeOf('number');
  expect(walk('/a/b', { credentials: { uid: 7, gid: 9, groups: [6] } })).toBeTypeOf('number');
  expect(walk('/a/b', { credentials: { uid: 7, gid: 9 } })).toBe('EACCES');
  fileSystem.setattr(resolve(fileSystem, b('/a')), { mode: 0o077 });
  expect(walk('/a/b', { credentials: { uid: 5, gid: 6 } })).toBe('EACCES');
  expect(walk('/a/b')).toBeTypeOf('number');
});

test('whole files and trees are made, read and removed by path', () => {
  writeFile(fileSystem, b('/a/b/file'), Buffer.from('x'));
  expect(Buffer.from(readFile(fileSystem, b('/a/b/file'))).toString()).toBe('x');
  removeTree(fileSystem, b('/a'));
  removeTree(fileSystem, b('/a'));
  expect(statPath(fileSystem, b('/a'))).toBeUndefined();
});
