import { expect, test } from 'vitest';
import { policies } from '../../../tools/union/index.js';
import { MemoryFileSystem } from '../../../tools/vfs/index.js';
import type { FileSystem, WhiteoutEntries } from '../../../tools/vfs/index.js';
import { b, errnoOf, find, names, newDirectoryAttributes, newFile } from '../../support/files.js';
import { lowerWith, unionOf, upperOn } from '../../support/unions.js';

function entriesOf(fs: FileSystem): WhiteoutEntries {
  if (!fs.whiteouts) throw new Error('this file system has no whiteouts of its own');
  return fs.whiteouts;
}

function bsdUpper() {
  const store = new MemoryFileSystem({ whiteouts: true });
  const { upper } = upperOn(store);
  return { store, root: upper.root, entries: entriesOf(store) };
}

test('a whiteout entry of FreeBSD hides its name in lookup and listing, and its opaque flag a directory (union 37)', () => {
  const { store, root, entries } = bsdUpper();
  entries.add(root, b('f'));
  entries.setOpaque(store.mkdir(root, b('d'), newDirectoryAttributes), true);
  const lower = lowerWith('f', 'g', 'd/', 'd/hidden');
  const union = unionOf({ lowers: [lower], store, policy: policies.unionfs });
  expect(union.lookup(union.root, b('f'))).toBeUndefined();
  expect(names(union)).toEqual(['d', 'g']);
  expect(names(union, find(union, 'd'))).toEqual([]);
  expect(union.which(b('/f'))).toMatchObject({
    layer: undefined,
    causes: [{ kind: 'whiteout', layerNumber: 0 }],
  });
});

test('what is made over a whiteout entry replaces it, and a directory shows none of its old children (union 42)', () => {
  const { store, root, entries } = bsdUpper();
  entries.add(root, b('d'));
  const lower = lowerWith('d/', 'd/ghost');
  const union = unionOf({ lowers: [lower], store, policy: policies.unionfs });
  union.mkdir(union.root, b('d'), newDirectoryAttributes);
  expect(names(union, find(union, 'd'))).toEqual([]);
  expect(entries.list(root)).toEqual([]);
  union.rmdir(union.root, b('d'));
  expect(union.lookup(union.root, b('d'))).toBeUndefined();
  union.unmount();
  const again = unionOf({ lowers: [lower], store, policy: policies.unionfs });
  expect(names(again)).toEqual([]);
});

test('a directory that holds only whiteout entries is empty and can be removed (union 117)', () => {
  const { store, root, entries } = bsdUpper();
  entries.add(store.mkdir(root, b('d'), newDirectoryAttributes), b('f'));
  const union = unionOf({ lowers: [lowerWith('d/', 'd/f')], store, policy: policies.unionfs });
  union.rmdir(union.root, b('d'));
  expect(names(union)).toEqual([]);
});

test('whiteout entries stand beside no object of the same name, and clones keep their own', () => {
  const { store, root, entries } = bsdUpper();
  store.mknod(root, b('f'), newFile);
  expect(
    errnoOf(() => {
      entries.add(root, b('f'));
    }),
  ).toBe('EEXIST');
  expect(
    errnoOf(() => {
      entries.remove(root, b('g'));
    }),
  ).toBe('ENOENT');
  entries.add(root, b('g'));
  const copy = store.clone();
  store.mknod(root, b('g'), newFile);
  expect([entries.has(root, b('g')), entriesOf(copy).has(root, b('g'))]).toEqual([false, true]);
});
