import { expect, test } from 'vitest';
import type { FileSystem, RenameFlags } from '../../tools/vfs/index.js';
import { b, errnoOf, find, makeFile, names, newDirectoryAttributes, textOf } from '../support/files.js';
import type { Backend } from './backend.js';

/** rename in all its forms. */
export function renameTests(backend: Backend, mountEmpty: () => FileSystem): void {
  const { lacks = [] } = backend;

  const prepared = (): FileSystem => {
    const fileSystem = mountEmpty();
    const { root } = fileSystem;
    const one = fileSystem.mkdir(root, b('one'), newDirectoryAttributes);
    fileSystem.mkdir(root, b('two'), newDirectoryAttributes);
    fileSystem.mkdir(one, b('deep'), newDirectoryAttributes);
    makeFile(fileSystem, one, 'inner', 'inner');
    makeFile(fileSystem, root, 'a', 'A');
    makeFile(fileSystem, root, 'c', 'C');
    return fileSystem;
  };
  /** Renames by path and answers the errno, if any. */
  const move = (
    fileSystem: FileSystem,
    from: string,
    to: string,
    flags?: RenameFlags,
  ): string | undefined => {
    const split = (path: string): [number, string] => {
      const at = path.lastIndexOf('/');
      return [find(fileSystem, path.slice(0, at)), path.slice(at + 1)];
    };
    const [directory, name] = split(from);
    const [newDirectory, newName] = split(to);
    return errnoOf(() => {
      fileSystem.rename(directory, b(name), newDirectory, b(newName), flags);
    });
  };

  test('moves a file, within a directory and between two, and keeps its number', () => {
    const fileSystem = prepared();
    const ino = find(fileSystem, 'a');
    expect(move(fileSystem, '/a', '/b')).toBeUndefined();
    expect(move(fileSystem, '/b', '/one/b')).toBeUndefined();
    expect(find(fileSystem, 'one/b')).toBe(ino);
    expect(names(fileSystem)).toEqual(['c', 'one', 'two']);
  });

  test('replaces a file; the old one lives on while it is open', () => {
    const fileSystem = prepared();
    const old = find(fileSystem, 'c');
    fileSystem.open(old, 'read');
    expect(move(fileSystem, '/a', '/c')).toBeUndefined();
    expect(textOf(fileSystem, find(fileSystem, 'c'))).toBe('A');
    expect(textOf(fileSystem, old)).toBe('C');
    expect(fileSystem.getattr(old).nlink).toBe(0);
    fileSystem.release(old);
  });

  test('moves a directory with all beneath it, and onto an empty one', () => {
    const fileSystem = prepared();
    expect(move(fileSystem, '/one', '/two')).toBeUndefined();
    expect(textOf(fileSystem, find(fileSystem, 'two/inner'))).toBe('inner');
    const deep = find(fileSystem, 'two/deep');
    expect(move(fileSystem, '/two/deep', '/deep')).toBeUndefined();
    expect(fileSystem.parent(deep)).toBe(fileSystem.root);
  });

  test('answers the errno of each wrong pair', () => {
    const fileSystem = prepared();
    expect(move(fileSystem, '/absent', '/x')).toBe('ENOENT');
    expect(move(fileSystem, '/a', '/one')).toBe('EISDIR');
    expect(move(fileSystem, '/one', '/a')).toBe('ENOTDIR');
    expect(move(fileSystem, '/two', '/one')).toBe('ENOTEMPTY');
    expect(move(fileSystem, '/one', '/one/deep/x')).toBe('EINVAL');
    expect(move(fileSystem, '/one', '/one/x')).toBe('EINVAL');
    expect(move(fileSystem, '/one/deep', '/one')).toBe('ENOTEMPTY');
    expect(names(fileSystem)).toEqual(['a', 'c', 'one', 'two']);
  });

  test('between two names of one object does nothing', () => {
    const fileSystem = prepared();
    const { root } = fileSystem;
    fileSystem.link(find(fileSystem, 'a'), root, b('a2'));
    expect(move(fileSystem, '/a', '/a2')).toBeUndefined();
    expect(move(fileSystem, '/a', '/a')).toBeUndefined();
    expect(names(fileSystem)).toEqual(['a', 'a2', 'c', 'one', 'two']);
    expect(fileSystem.getattr(find(fileSystem, 'a')).nlink).toBe(2);
  });

  test('noreplace refuses a target that exists', () => {
    const fileSystem = prepared();
    expect(move(fileSystem, '/a', '/c', { noreplace: true })).toBe('EEXIST');
    expect(move(fileSystem, '/a', '/b', { noreplace: true })).toBeUndefined();
    expect(textOf(fileSystem, find(fileSystem, 'b'))).toBe('A');
  });

  if (!lacks.includes('exchange')) {
    test('exchange swaps two objects of any type', () => {
      const fileSystem = prepared();
      const [file, directory] = [find(fileSystem, 'a'), find(fileSystem, 'one/deep')];
      expect(move(fileSystem, '/a', '/one/deep', { exchange: true })).toBeUndefined();
      expect(find(fileSystem, 'a')).toBe(directory);
      expect(find(fileSystem, 'one/deep')).toBe(file);
      expect(fileSystem.parent(directory)).toBe(fileSystem.root);
      expect(move(fileSystem, '/c', '/absent', { exchange: true })).toBe('ENOENT');
      expect(move(fileSystem, '/one', '/one/inner', { exchange: true })).toBe('EINVAL');
      expect(move(fileSystem, '/one/inner', '/one', { exchange: true })).toBe('EINVAL');
      expect(move(fileSystem, '/a', '/c', { exchange: true, noreplace: true })).toBe('EINVAL');
    });
  }

  if (!lacks.includes('whiteout')) {
    test('whiteout leaves a 0:0 device behind', () => {
      const fileSystem = prepared();
      expect(move(fileSystem, '/a', '/one/a', { whiteout: true })).toBeUndefined();
      expect(textOf(fileSystem, find(fileSystem, 'one/a'))).toBe('A');
      expect(fileSystem.getattr(find(fileSystem, 'a'))).toMatchObject({
        type: 'char',
        rdev: { major: 0, minor: 0 },
      });
    });
  }
}
