import { expect, test } from 'vitest';
import { policies } from '../../../tools/union/index.js';
import { MemoryFileSystem, removeTree } from '../../../tools/vfs/index.js';
import {
  b,
  errnoOf,
  find,
  names,
  newDirectoryAttributes,
  newFile,
  put,
  putDirectory,
} from '../../support/files.js';
import { lowerWith, memory, policyWith, unionOf, upperOn } from '../../support/unions.js';

test('a whiteout hides its name also in a directory that is not merged (union 32)', () => {
  const lower = lowerWith('d/', 'd/f');
  lower.mknod(find(lower, 'd'), b('w'), { ...newFile, mode: 0, type: 'char', rdev: { major: 0, minor: 0 } });
  const union = unionOf({ lowers: [lower] });
  expect(union.readdir(find(union, 'd')).map((entry) => entry.name)).toEqual(['f']);
  expect(union.lookup(find(union, 'd'), b('w'))).toBeUndefined();
});

test('users make no whiteouts (union 38)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  expect(errnoOf(() => union.mknod(union.root, b('w'), { ...newFile, type: 'char' }))).toBe('EPERM');
  expect(errnoOf(() => union.mknod(union.root, b('f'), { ...newFile, type: 'char' }))).toBe('EEXIST');
  expect(errnoOf(() => union.rename(union.root, b('f'), union.root, b('g'), { whiteout: true }))).toBe(
    'EINVAL',
  );
});

test('private attributes do not show, and users\u2019 own of that name survive (union 39)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('f')], store });
  const ino = find(union, 'f');
  const name = b('trusted.overlay.opaque');
  union.setxattr(ino, name, Buffer.from('mine'));
  expect(union.listxattr(ino)).toEqual([name]);
  expect(Buffer.from(union.getxattr(ino, name)).toString()).toBe('mine');
  expect(store.listxattr(find(store, 'upper/f'))).toContain('trusted.overlay.overlay.opaque');
});

test('symlink whiteouts of old overlayfs hide their names, plain links of that text do not (union 37)', () => {
  const lower = lowerWith('f', 'g');
  const store = memory();
  const { upper } = upperOn(store);
  const link = { mode: 0o777, uid: 0, gid: 0 };
  const whiteout = store.symlink(upper.root, b('f'), b('(overlay-whiteout)'), link);
  store.setxattr(whiteout, b('trusted.overlay.whiteout'), Buffer.from('y'));
  store.symlink(upper.root, b('g'), b('(overlay-whiteout)'), link);
  const union = unionOf({ lowers: [lower], store, policy: policies.openwrt });
  expect(union.readdir(union.root).map((entry) => [entry.name, entry.type])).toEqual([['g', 'symlink']]);
  const strict = policyWith({ reads: ['overlay-v7-text'] });
  union.unmount();
  const byText = unionOf({ lowers: [lower], store, policy: strict });
  expect(byText.readdir(byText.root)).toEqual([]);
});

test('with empty files as whiteouts every directory that gets one says so, also by exchange and rename (union 37, 105)', () => {
  const [lower, store] = [lowerWith('d/', 'd/f', 'e/', 'e/x/', 'g'), memory()];
  const union = unionOf({ lowers: [lower], store, policy: policyWith({ writes: 'overlay-x' }) });
  // Known before it holds whiteouts, and listed after.
  expect(names(union, find(union, 'd'))).toEqual(['f']);
  union.rename(find(union, 'd'), b('f'), union.root, b('f'));
  expect(names(union, find(union, 'd'))).toEqual([]);
  union.rmdir(find(union, 'e'), b('x'));
  union.mkdir(union.root, b('new'), newDirectoryAttributes);
  union.rename(union.root, b('new'), find(union, 'e'), b('x'));
  union.setattr(find(union, 'g'), { mode: 0 });
  union.unlink(union.root, b('g'));
  union.unmount();
  const strict = unionOf({ lowers: [lower], store, policy: policyWith({ reads: ['overlay-x'] }) });
  expect([names(strict), names(strict, find(strict, 'd'))]).toEqual([['d', 'e', 'f'], []]);
});

test('names that a form keeps for its marks can neither be made nor asked for (union 38)', () => {
  const aufs = unionOf({ lowers: [lowerWith('f')], store: memory(), policy: policies.aufs });
  expect(errnoOf(() => aufs.lookup(aufs.root, b('.wh.f')))).toBe('EPERM');
  for (const [form, name] of [
    ['aufs', '.wh.x'],
    ['mini_fo', 'META_dAfFgHE39ktF3HD2sr'],
    ['unionfs-fuse', '.unionfs'],
  ] as const) {
    const policy = form === 'aufs' ? policies.aufs : policyWith({ reads: [form] });
    const union = unionOf({ lowers: [lowerWith('f')], store: memory(), policy });
    for (const make of [
      () => union.mknod(union.root, b(name), newFile),
      () => union.mkdir(union.root, b(name), newDirectoryAttributes),
      () => union.link(find(union, 'f'), union.root, b(name)),
      () => union.rename(union.root, b('f'), union.root, b(name)),
    ]) {
      expect([name, errnoOf(make)]).toEqual([name, 'EPERM']);
    }
    expect(names(union)).toEqual(['f']);
  }
  const plain = unionOf({ lowers: [memory()], store: memory() });
  for (const name of ['.wh.x', '.unionfs']) plain.mkdir(plain.root, b(name), newDirectoryAttributes);
  expect(names(plain)).toEqual(['.unionfs', '.wh.x']);
});

test('a union with aufs marks works over another one, whose marks stay its own (union 38, 192)', () => {
  const inner = unionOf({ lowers: [lowerWith('f', 'g', 'd/')], store: memory(), policy: policies.aufs });
  inner.unlink(inner.root, b('f'));
  const outer = unionOf({
    lowers: [inner, lowerWith('f', 'd/', 'd/x')],
    store: memory(),
    policy: policies.aufs,
  });
  expect([names(outer), names(outer, find(outer, 'd'))]).toEqual([['d', 'f', 'g'], ['x']]);
  outer.unlink(outer.root, b('g'));
  expect([outer.lookup(outer.root, b('g')), inner.lookup(inner.root, b('g'))]).toEqual([
    undefined,
    find(inner, 'g'),
  ]);
});

test('a name that the marks of aufs leave no room for is not made (union 24, 40)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory(), policy: policies.aufs });
  const { nameMax } = union.statfs();
  put(union, 'x'.repeat(nameMax));
  for (const make of [
    () => put(union, 'x'.repeat(nameMax + 1)),
    () => union.rename(union.root, b('f'), union.root, b('x'.repeat(nameMax + 1))),
  ]) {
    expect(errnoOf(make)).toBe('ENAMETOOLONG');
  }
  union.unlink(union.root, b('x'.repeat(nameMax)));
  expect(names(union)).toEqual(['f']);
});

test('a name is hidden for good beneath an opaque directory, where its removal leaves nothing (union 33, 45)', () => {
  const [lower, store] = [lowerWith('d/', 'd/x'), memory()];
  const union = unionOf({ lowers: [lower], store });
  removeTree(union, b('/d'));
  putDirectory(union, 'd');
  put(union, 'd/x');
  union.unlink(find(union, 'd'), b('x'));
  expect([names(union, find(union, 'd')), names(store, find(store, 'upper/d'))]).toEqual([[], []]);
});

test('an opaque mark of a lower counts, and stays there when its directory is copied up (union 39, 43)', () => {
  const [top, bottom, store] = [lowerWith('d/', 'd/a'), lowerWith('d/', 'd/b'), memory()];
  const opaque = b('trusted.overlay.opaque');
  top.setxattr(find(top, 'd'), opaque, Buffer.from('y'));
  const union = unionOf({ lowers: [top, bottom], store });
  expect(names(union, find(union, 'd'))).toEqual(['a']);
  union.setattr(find(union, 'd'), { mode: 0o700 });
  expect(store.listxattr(find(store, 'upper/d'))).not.toContain(opaque);
  expect([
    union.listxattr(find(union, 'd')),
    errnoOf(() => union.getxattr(find(union, 'd'), opaque)),
  ]).toEqual([[], 'ENODATA']);
  union.unmount();
  const again = unionOf({ lowers: [top, bottom], store });
  expect(names(again, find(again, 'd'))).toEqual(['a']);
});

test('where the shared whiteout can have no more names, a fresh one is made (union 46)', () => {
  const store = new MemoryFileSystem({ linkLimit: 3 });
  const files = ['a', 'b', 'c', 'd', 'e'];
  const union = unionOf({ lowers: [lowerWith(...files)], store });
  for (const name of files) union.unlink(union.root, b(name));
  expect(names(union)).toEqual([]);
  const upper = find(store, 'upper');
  expect(names(store, upper)).toEqual(files);
  expect(new Set(store.readdir(upper).map(({ ino }) => ino)).size).toBeGreaterThan(1);
});

test('a device is a whiteout only with both numbers 0 (union 31, 37)', () => {
  const top = memory();
  for (const [name, major, minor] of [
    ['a', 0, 0],
    ['b', 0, 7],
    ['c', 7, 0],
  ] as const) {
    top.mknod(top.root, b(name), { ...newFile, type: 'char', rdev: { major, minor } });
  }
  const union = unionOf({ lowers: [top, lowerWith('a', 'b', 'c')] });
  expect(union.readdir(union.root).map(({ name, type }) => [name, type])).toEqual([
    ['b', 'char'],
    ['c', 'char'],
  ]);
  expect(union.lookup(union.root, b('a'))).toBeUndefined();
});
