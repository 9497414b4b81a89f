import { expect, test } from 'vitest';
import { policies } from '../../../tools/union/index.js';
import { b, errnoOf, find, names, newDirectoryAttributes, newFile } from '../../support/files.js';
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
