import { expect, test } from 'vitest';
import {
  b,
  errnoOf,
  find,
  names,
  newDirectoryAttributes,
  put,
  putDirectory,
  textAt,
} from '../../support/files.js';
import { lowerWith, memory, policyWith, unionOf } from '../../support/unions.js';

test('a whiteout is left for a lower twin only, or always where the policy says so (union 33, 34, 118)', () => {
  for (const [whiteout, wanted] of [
    ['whenneeded', ['d', 'f']],
    ['always', ['d', 'f', 'own']],
  ] as const) {
    const store = memory();
    const union = unionOf({ lowers: [lowerWith('d/', 'f')], store, policy: policyWith({ whiteout }) });
    put(union, 'own');
    for (const name of ['own', 'f']) union.unlink(union.root, b(name));
    union.rmdir(union.root, b('d'));
    expect(names(store, find(store, 'upper'))).toEqual(wanted);
    expect(names(union)).toEqual([]);
  }
});

test('removing a copied file replaces it by its whiteout in one call of the upper (union 119, 211)', () => {
  const store = memory(true);
  const union = unionOf({ lowers: [lowerWith('f')], store });
  union.write(find(union, 'f'), 0, Buffer.from('x'));
  const upper = find(store, 'upper');
  const calls: string[] = [];
  store.fault = ({ call, ino, name, changes }) => {
    if (changes && (ino === upper || name === 'f')) calls.push(call);
    return undefined;
  };
  union.unlink(union.root, b('f'));
  store.fault = undefined;
  expect(calls).not.toContain('unlink');
  expect(store.getattr(find(store, 'upper/f')).type).toBe('char');
});

test('a directory that fails to go stays usable, with its path (union 117, 121)', () => {
  const union = unionOf({ lowers: [lowerWith('d/', 'd/f')], store: memory() });
  const ino = find(union, 'd');
  expect(errnoOf(() => union.rmdir(union.root, b('d')))).toBe('ENOTEMPTY');
  expect([union.parent(ino), find(union, 'd'), names(union, ino)]).toEqual([union.root, ino, ['f']]);
});

test('a link takes the place of a whiteout, never crosses, and refuses directories (union 41, 122)', () => {
  const [lower, store] = [lowerWith('f', 'g', 'd/'), memory()];
  const union = unionOf({ lowers: [lower], store });
  union.unlink(union.root, b('g'));
  union.link(find(union, 'f'), union.root, b('g'));
  expect(errnoOf(() => union.link(find(union, 'd'), union.root, b('x')))).toBe('EPERM');
  const unnamed = union.tmpfile(union.root, { mode: 0o600, uid: 0, gid: 0 });
  union.open(unnamed, 'write');
  union.link(unnamed, find(union, 'd'), b('named'));
  union.release(unnamed);
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  expect(find(again, 'f')).toBe(find(again, 'g'));
  expect(again.getattr(find(again, 'd/named')).nlink).toBe(1);
});

test('merged directories count one link, removed objects none (union 123)', () => {
  const union = unionOf({ lowers: [lowerWith('d/', 'f')], store: memory() });
  putDirectory(union, 'd/e');
  expect(union.getattr(find(union, 'd')).nlink).toBe(1);
  putDirectory(union, 'own');
  putDirectory(union, 'own/sub');
  expect(union.getattr(find(union, 'own')).nlink).toBe(3);
  const ino = find(union, 'f');
  union.open(ino, 'read');
  union.unlink(union.root, b('f'));
  expect(union.getattr(ino).nlink).toBe(0);
});

test('form aufs records a whiteout before the object goes, and drops it after one came (union 36, 40, 47)', () => {
  const store = memory();
  const policy = policyWith({ writes: 'aufs', reads: ['aufs'], redirectDir: 'off', index: false });
  const union = unionOf({ lowers: [lowerWith('f')], store, policy });
  union.write(find(union, 'f'), 0, Buffer.from('x'));
  const upper = find(store, 'upper');
  const trace: string[] = [];
  store.fault = ({ call, ino, name, changes }) => {
    if (changes && ino === upper) trace.push(`${call} ${name ?? ''}`);
    return undefined;
  };
  union.unlink(union.root, b('f'));
  expect(trace).toEqual(['link .wh.f', 'unlink f']);
  trace.length = 0;
  put(union, 'f', 'new');
  expect(trace.at(-1)).toBe('unlink .wh.f');
  store.fault = undefined;
  expect([textAt(union, 'f'), union.statfs().nameMax]).toEqual(['new', 242]);
  const ordinary = unionOf({ lowers: [lowerWith('.wh.x', 'x')] });
  expect(names(ordinary)).toEqual(['.wh.x', 'x']);
});

test('new objects follow their maker whatever the copy mode (union 100)', () => {
  const copyMode = { kind: 'traditional', uid: 7, gid: 7 } as const;
  const union = unionOf({ lowers: [lowerWith('d/')], store: memory(), policy: policyWith({ copyMode }) });
  const ino = union.mkdir(find(union, 'd'), b('new'), { ...newDirectoryAttributes, mode: 0o2750, uid: 3 });
  expect(union.getattr(ino)).toMatchObject({ mode: 0o2750, uid: 3, gid: 0 });
});

test('on a full upper names can still be removed, as whiteouts are names of an object that is there (union 46, 216)', () => {
  for (const single of [false, true]) {
    const store = memory(single);
    const union = unionOf({ lowers: [lowerWith('a', 'b', 'd/', 'd/x')], store });
    union.write(find(union, 'a'), 0, Buffer.from('x'));
    union.setattr(find(union, 'd'), { mode: 0o700 });
    store.fault = ({ call }) => (['mknod', 'mkdir', 'write'].includes(call) ? 'ENOSPC' : undefined);
    expect(errnoOf(() => put(union, 'new'))).toBe('ENOSPC');
    for (const name of ['a', 'b']) union.unlink(union.root, b(name));
    union.unlink(find(union, 'd'), b('x'));
    union.rmdir(union.root, b('d'));
    expect(names(union)).toEqual([]);
  }
});

test('an object with a name that nobody has looked up yet outlives its other name (union 85, 130)', () => {
  const store = memory();
  const first = unionOf({ lowers: [lowerWith('d/')], store });
  first.link(put(first, 'a'), find(first, 'd'), b('b'));
  first.unmount();
  const union = unionOf({ lowers: [lowerWith('d/')], store });
  const ino = find(union, 'a');
  union.open(ino, 'read');
  union.unlink(union.root, b('a'));
  union.release(ino);
  expect([union.getattr(ino).nlink, find(union, 'd/b')]).toEqual([1, ino]);
});

test('a directory over a whiteout is opaque and durable before it shows (union 42, 205)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('d/', 'd/x')], store });
  union.unlink(find(union, 'd'), b('x'));
  union.rmdir(union.root, b('d'));
  const calls: string[] = [];
  store.fault = ({ call, changes, name }) => {
    if (changes || call === 'sync') calls.push(`${call} ${name ?? ''}`.trim());
    return undefined;
  };
  union.mkdir(union.root, b('d'), newDirectoryAttributes);
  expect(calls.map((call) => call.replace(/#.*/, '#'))).toEqual([
    'mkdir #',
    'setxattr trusted.overlay.opaque',
    'sync',
    'rename #',
    'unlink #',
  ]);
});

test('a directory of whiteouts that is renamed over while it is held takes no room afterwards (union 77, 110)', () => {
  const [lower, store] = [lowerWith('d/', 'd/x', 'e/'), memory()];
  const union = unionOf({ lowers: [lower], store });
  union.unlink(find(union, 'd'), b('x'));
  putDirectory(union, 'new');
  const before = store.statfs().filesFree;
  const d = find(union, 'd');
  union.open(d, 'read');
  union.rename(union.root, b('new'), union.root, b('d'));
  union.release(d);
  expect(store.statfs().filesFree).toBe(before + 1);
});

test('a name goes also while a change of before waits for room to be settled, and nothing new is made (union 215, 216)', () => {
  const store = memory(true);
  const union = unionOf({ lowers: [lowerWith('d/', 'f')], store });
  union.rmdir(union.root, b('d'));
  store.fault = ({ call, name }) =>
    call === 'unlink' && name?.startsWith('#journal') ? 'ENOSPC' : undefined;
  union.mkdir(union.root, b('d'), newDirectoryAttributes);
  expect(errnoOf(() => put(union, 'new'))).toBe('ENOSPC');
  union.unlink(union.root, b('f'));
  expect(names(union)).toEqual(['d']);
  store.fault = undefined;
  put(union, 'new');
  expect(names(store, find(store, 'work/work')).some((name) => name.startsWith('#journal'))).toBe(false);
});
