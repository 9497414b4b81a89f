import { expect, test } from 'vitest';
import { policies } from '../../../tools/union/index.js';
import { removeTree } from '../../../tools/vfs/index.js';
import {
  b,
  errnoOf,
  find,
  names,
  newDirectoryAttributes,
  putDirectory,
  textAt,
} from '../../support/files.js';
import { lowerWith, memory, policyWith, unionOf } from '../../support/unions.js';

test('a lower directory is renamed by redirect, or refused before anything is copied (union 107, 109)', () => {
  const lower = lowerWith('d/', 'd/f', 'e/');
  const store = memory();
  const union = unionOf({ lowers: [lower], store });
  union.rename(union.root, b('d'), find(union, 'e'), b('moved'));
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  expect(textAt(again, 'e/moved/f')).toBe('content');
  expect(again.lookup(again.root, b('d'))).toBeUndefined();
  const other = memory();
  const openwrt = unionOf({ lowers: [lower], store: other, policy: policies.openwrt });
  expect(errnoOf(() => openwrt.rename(openwrt.root, b('d'), openwrt.root, b('x')))).toBe('EXDEV');
  expect(other.readdir(find(other, 'upper'))).toEqual([]);
});

test('a new directory that moves into a merged one is opaque before it arrives (union 44, 106)', () => {
  const [lower, store] = [lowerWith('d/', 'd/x/', 'd/x/old'), memory()];
  const union = unionOf({ lowers: [lower], store });
  removeTree(union, b('/d/x'));
  putDirectory(union, 'new');
  union.rename(union.root, b('new'), find(union, 'd'), b('x'));
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  expect(names(again, find(again, 'd/x'))).toEqual([]);
});

test('a rename over a whiteout leaves one at the old name, and over a directory needs it empty in the merged view (union 105, 108, 110)', () => {
  const [lower, store] = [lowerWith('a', 'b', 'c/', 'c/x', 'e/'), memory()];
  const union = unionOf({ lowers: [lower], store });
  union.unlink(union.root, b('b'));
  union.rename(union.root, b('a'), union.root, b('b'));
  expect(errnoOf(() => union.rename(union.root, b('e'), union.root, b('c')))).toBe('ENOTEMPTY');
  union.unlink(find(union, 'c'), b('x'));
  union.rename(union.root, b('e'), union.root, b('c'));
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  expect([names(again), names(again, find(again, 'c'))]).toEqual([['b', 'c'], []]);
});

test('two names of one object: rename does nothing, also for lower links not copied (union 111)', () => {
  const [lower, store] = [lowerWith('a'), memory()];
  lower.link(find(lower, 'a'), lower.root, b('b'));
  const union = unionOf({ lowers: [lower], store });
  union.rename(union.root, b('a'), union.root, b('b'));
  union.rename(union.root, b('a'), union.root, b('a'));
  expect([names(union), names(store, find(store, 'upper'))]).toEqual([['a', 'b'], []]);
});

test('no-replace judges by the merged view, where a whiteout is absent (union 112)', () => {
  const union = unionOf({ lowers: [lowerWith('a', 'b')], store: memory() });
  const noreplace = { noreplace: true };
  expect(errnoOf(() => union.rename(union.root, b('a'), union.root, b('b'), noreplace))).toBe('EEXIST');
  union.unlink(union.root, b('b'));
  union.rename(union.root, b('a'), union.root, b('b'), noreplace);
  expect(names(union)).toEqual(['b']);
});

test('an exchange makes no whiteouts, and what lands over a lower namesake hides it (union 113)', () => {
  const [lower, store] = [lowerWith('d/', 'd/old', 'f'), memory()];
  const union = unionOf({ lowers: [lower], store });
  putDirectory(union, 'new');
  union.rename(union.root, b('new'), union.root, b('d'), { exchange: true });
  union.rename(union.root, b('new'), union.root, b('f'), { exchange: true });
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  expect([names(again, find(again, 'd')), names(again, find(again, 'f'))]).toEqual([[], ['old']]);
  expect(textAt(again, 'new')).toBe('content');
  expect(store.readdir(find(store, 'upper')).some(({ type }) => type === 'char')).toBe(false);
});

test('type and loop errors are those of the merged view (union 114)', () => {
  const union = unionOf({ lowers: [lowerWith('d/', 'd/e/', 'f')], store: memory() });
  const move = (name: string, to: string, newName: string): string | undefined =>
    errnoOf(() => union.rename(union.root, b(name), find(union, to), b(newName)));
  expect([move('f', '', 'd'), move('d', '', 'f'), move('d', 'd/e', 'x')]).toEqual([
    'EISDIR',
    'ENOTDIR',
    'EINVAL',
  ]);
});

test('a rename moves the times of both parents, and what is open goes on (union 115)', () => {
  const union = unionOf({ lowers: [lowerWith('d/', 'e/', 'd/f')], store: memory() });
  const ino = find(union, 'd/f');
  const before = ['d', 'e'].map((path) => union.getattr(find(union, path)).mtimeNs);
  union.open(ino, 'write');
  union.rename(find(union, 'd'), b('f'), find(union, 'e'), b('g'));
  union.write(ino, 0, Buffer.from('MOVED'));
  expect(textAt(union, 'e/g')).toBe('MOVEDnt');
  const after = ['d', 'e'].map((path) => union.getattr(find(union, path)).mtimeNs);
  expect(after.every((time, at) => time > (before[at] ?? time))).toBe(true);
});

test('a directory is not exchanged with one above it, in either order (union 113, 114)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('d/', 'd/e/', 'd/e/f')], store });
  const exchange = { exchange: true };
  const [d, e] = [find(union, 'd'), find(union, 'd/e')];
  expect(errnoOf(() => union.rename(e, b('f'), union.root, b('d'), exchange))).toBe('EINVAL');
  expect(errnoOf(() => union.rename(union.root, b('d'), e, b('f'), exchange))).toBe('EINVAL');
  expect(errnoOf(() => union.rename(d, b('e'), union.root, b('d'), exchange))).toBe('EINVAL');
  expect([textAt(union, 'd/e/f'), names(store, find(store, 'upper'))]).toEqual(['content', []]);
});

test('renaming over a name of a lower hard link counts it off, also after a new mount (union 85)', () => {
  const [lower, store] = [lowerWith('a', 'x'), memory()];
  for (const name of ['b', 'c']) lower.link(find(lower, 'a'), lower.root, b(name));
  const union = unionOf({ lowers: [lower], store });
  union.rename(union.root, b('x'), union.root, b('b'));
  expect(union.getattr(find(union, 'a')).nlink).toBe(2);
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  expect(again.getattr(find(again, 'a')).nlink).toBe(2);
});

test('a new name of a lower hard link is counted, also after a new mount (union 85)', () => {
  const [lower, store] = [lowerWith('a'), memory()];
  lower.link(find(lower, 'a'), lower.root, b('b'));
  const union = unionOf({ lowers: [lower], store });
  union.link(find(union, 'a'), union.root, b('c'));
  expect(union.getattr(find(union, 'a')).nlink).toBe(3);
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  expect([again.getattr(find(again, 'b')).nlink, find(again, 'c')]).toEqual([3, find(again, 'a')]);
});

test('redirects are made and followed, followed, or neither, as the policy says (union 107, 109)', () => {
  const [lower, store] = [lowerWith('d/', 'd/f', 'e/', 'x/'), memory()];
  const on = unionOf({ lowers: [lower], store });
  on.rename(on.root, b('d'), find(on, 'e'), b('moved'));
  on.unmount();
  for (const redirectDir of ['on', 'follow', 'nofollow', 'off'] as const) {
    const union = unionOf({ lowers: [lower], store: store.clone(), policy: policyWith({ redirectDir }) });
    const follows = redirectDir === 'on' || redirectDir === 'follow';
    expect([redirectDir, names(union, find(union, 'e/moved'))]).toEqual([redirectDir, follows ? ['f'] : []]);
    const move = errnoOf(() => union.rename(union.root, b('x'), union.root, b('y')));
    expect([redirectDir, move]).toEqual([redirectDir, redirectDir === 'on' ? undefined : 'EXDEV']);
    // Nothing of a lower shows at the old name, which is a whiteout in any case.
    union.mkdir(union.root, b('d'), newDirectoryAttributes);
    expect(names(union, find(union, 'd'))).toEqual([]);
  }
});

test('a redirect longer than the policy allows is EXDEV before anything is copied, within one directory it is one name (union 109)', () => {
  const deep = Array.from({ length: 30 }, (_, level) => `directory${level}/`);
  const paths = deep.map((_, level) => deep.slice(0, level + 1).join(''));
  const lower = lowerWith(...paths, 'e/');
  const store = memory();
  const union = unionOf({ lowers: [lower], store });
  const [above, below] = [find(union, paths.at(-2) ?? ''), b('directory29')];
  expect(errnoOf(() => union.rename(above, below, find(union, 'e'), b('x')))).toBe('EXDEV');
  expect(names(store, find(store, 'upper'))).toEqual([]);
  union.rename(above, below, above, b('x'));
  const redirect = store.getxattr(find(store, `upper/${paths.at(-2)}x`), b('trusted.overlay.redirect'));
  expect(Buffer.from(redirect).toString()).toBe('directory29');
});

test('a directory of whiteouts whose replacement fails halfway has the attributes that it had (union 76, 110)', () => {
  const [lower, store] = [lowerWith('d/', 'd/x'), memory()];
  const union = unionOf({ lowers: [lower], store });
  union.unlink(find(union, 'd'), b('x'));
  putDirectory(union, 'new');
  const d = find(union, 'd');
  const wanted = { mode: 0o1710, uid: 5, gid: 6, atimeNs: 7n, mtimeNs: 8n };
  union.setattr(d, wanted);
  store.fault = ({ call, name }) => (call === 'rename' && name === 'new' ? 'EIO' : undefined);
  expect(errnoOf(() => union.rename(union.root, b('new'), union.root, b('d')))).toBe('EIO');
  store.fault = undefined;
  expect([find(union, 'd'), names(union, d)]).toEqual([d, []]);
  expect(union.getattr(d)).toMatchObject(wanted);
});
