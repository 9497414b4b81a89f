import { expect, test } from 'vitest';
import { joinLayerList, mountUnion, splitLayerList } from '../../../tools/union/index.js';
import type { UnionPolicy } from '../../../tools/union/index.js';
import { MemoryFileSystem } from '../../../tools/vfs/index.js';
import { b, errnoOf, find, newDirectoryAttributes, newFile, textAt } from '../../support/files.js';
import { lowerWith, memory, policyWith, unionOf, upperOn } from '../../support/unions.js';
import { viewOf } from '../../support/views.js';

test('without an upper every change answers EROFS, and so does the way back (union 2, 170)', () => {
  const union = unionOf({ lowers: [lowerWith('f', 'd/')] });
  const { root } = union;
  const f = find(union, 'f');
  const changes: (() => unknown)[] = [
    () => union.mknod(root, b('new'), newFile),
    () => union.mkdir(root, b('new'), newDirectoryAttributes),
    () => union.symlink(root, b('new'), b('target'), newFile),
    () => union.tmpfile(root, newFile),
    () => union.link(f, root, b('new')),
    () => union.unlink(root, b('f')),
    () => union.rmdir(root, b('d')),
    () => union.rename(root, b('f'), root, b('g')),
    () => union.open(f, 'write'),
    () => union.write(f, 0, Buffer.from('x')),
    () => union.fallocate(f, 0, 10, 'allocate'),
    () => union.setattr(f, { mode: 0o600 }),
    () => union.setattr(f, { size: 0 }),
    () => union.setxattr(f, b('user.x'), Buffer.from('1')),
    () => union.removexattr(f, b('user.x')),
    () => union.remount(false),
  ];
  expect(changes.map((change) => errnoOf(change))).toEqual(changes.map(() => 'EROFS'));
});

test('an upper on a read-only medium makes the union read-only, with a message, and is not touched (union 2, 176)', () => {
  const [lower, store] = [lowerWith('f', 'g'), memory()];
  const first = unionOf({ lowers: [lower], store });
  first.unlink(first.root, b('g'));
  first.unmount();
  store.readOnly = true;
  const calls: string[] = [];
  store.fault = ({ call, changes }) => {
    if (changes || call === 'sync') calls.push(call);
    return undefined;
  };
  const codes: string[] = [];
  const union = unionOf({ lowers: [lower], store, warn: ({ code }) => codes.push(code) });
  expect([codes, union.readOnly, union.readdir(union.root).map(({ name }) => name)]).toEqual([
    ['FW_UNION_READ_ONLY'],
    true,
    ['f'],
  ]);
  expect(errnoOf(() => union.setattr(find(union, 'f'), { mode: 0o600 }))).toBe('EROFS');
  expect(errnoOf(() => union.remount(false))).toBe('EROFS');
  union.unmount();
  expect(calls).toEqual([]);
});

test('lowers may lie in one file system, in one another, and in several unions at one time (union 4)', () => {
  const lower = lowerWith('a/', 'a/x', 'a/b/', 'a/b/x', 'a/b/y');
  const specs = ['a', 'a/b'].map((path) => ({ fs: lower, root: find(lower, path) }));
  const unions = [0, 1].map(() => unionOf({ lowers: specs, store: memory() }));
  for (const [at, union] of unions.entries()) union.write(find(union, 'b/x'), 0, Buffer.from(`by ${at}`));
  for (const [at, union] of unions.entries()) {
    expect(union.readdir(union.root).map(({ name }) => name)).toEqual(['x', 'y', 'b']);
    expect(['x', 'b/x', 'b/y'].map((path) => textAt(union, path))).toEqual([
      'content',
      `by ${at}ent`,
      'content',
    ]);
    expect(viewOf(union)).not.toContain('INCONSISTENT');
  }
});

test('500 lowers work (union 3)', () => {
  const lowers = Array.from({ length: 500 }, (_, index) => lowerWith(`f${index}`));
  const union = unionOf({ lowers });
  expect(union.readdir(union.root)).toHaveLength(500);
  expect(textAt(union, 'f499')).toBe('content');
});

test('a layer list keeps colons and backslashes, and refuses an empty element (union 3, 9)', () => {
  const names = ['a:b', 'c\\d', 'e,f'];
  expect(splitLayerList(joinLayerList(names))).toEqual(names);
  expect(errnoOf(() => splitLayerList('a::b'))).toBe('EINVAL');
});

test('an upper in use, or inside a lower, is refused (union 5, 6, 7)', () => {
  const store = memory();
  const lower = memory();
  const first = unionOf({ lowers: [lower], store });
  expect(errnoOf(() => unionOf({ lowers: [lower], store }))).toBe('EBUSY');
  first.unmount();
  unionOf({ lowers: [lower], store }).unmount();
  expect(errnoOf(() => unionOf({ lowers: [store], store }))).toBe('ELOOP');
  const { upper } = upperOn(store);
  expect(errnoOf(() => mountUnion({ lowers: [{ fs: lower }], upper, work: upper.root }))).toBe('EINVAL');
  expect(errnoOf(() => mountUnion({ lowers: [{ fs: lower }], upper }))).toBe('EINVAL');
});

test('writable directories that overlap with others are refused, whichever lies in which (union 5, 6, 7)', () => {
  const paths = ['u', 'u/in', 'w', 'w/in', 'l', 'l/in', 'u2', 'w2'];
  const store = lowerWith(...paths.map((path) => `${path}/`), 'file');
  const at = (path: string) => ({ fs: store, root: find(store, path) });
  const mount = (lower: string, upper: string, work: string): string | undefined =>
    errnoOf(() => mountUnion({ lowers: [at(lower)], upper: at(upper), work: find(store, work) }));
  // A lower in the upper or in work, either of them in a lower, one in the other, and no directory at all.
  expect([mount('u/in', 'u', 'w'), mount('w/in', 'u', 'w'), mount('u', 'u', 'w')]).toEqual(
    Array(3).fill('ELOOP'),
  );
  expect([mount('l', 'l/in', 'w'), mount('l', 'u', 'l/in'), mount('', 'u', 'w')]).toEqual(
    Array(3).fill('ELOOP'),
  );
  expect([mount('l', 'u', 'u'), mount('l', 'u', 'u/in'), mount('l', 'u/in', 'u')]).toEqual(
    Array(3).fill('EINVAL'),
  );
  expect([mount('l', 'u', 'file'), mount('l', 'file', 'w'), mount('file', 'u', 'w')]).toEqual(
    Array(3).fill('ENOTDIR'),
  );
  expect(mount('l', 'u', 'w')).toBeUndefined();
  expect(['u', 'u/in', 'w', 'w/in'].map((used) => mount('l', used, 'w2'))).toEqual(Array(4).fill('EBUSY'));
  expect(['u', 'u/in', 'w', 'w/in'].map((used) => mount('l', 'u2', used))).toEqual(Array(4).fill('EBUSY'));
});

test('what others keep beside the engine’s own folders in work is left alone (union 7)', () => {
  const [lower, store] = [lowerWith('f'), memory()];
  const { work } = upperOn(store);
  store.mknod(work, b('of-others'), newFile);
  const union = unionOf({ lowers: [lower], store });
  store.mknod(find(store, 'work/work'), b('#left'), newFile);
  union.unmount();
  unionOf({ lowers: [lower], store });
  const left = store.readdir(work).map(({ name }) => name);
  expect([left.includes(b('of-others')), store.lookup(find(store, 'work/work'), b('#left'))]).toEqual([
    true,
    undefined,
  ]);
});

test('a lower never changes, whatever is done to the union (union 10)', () => {
  const lower = lowerWith('d/', 'd/f', 'g');
  lower.readOnly = true;
  const union = unionOf({ lowers: [lower], store: memory() });
  union.write(find(union, 'd/f'), 0, Buffer.from('NEW'));
  union.unlink(union.root, b('g'));
  union.rename(union.root, b('d'), union.root, b('e'));
  expect(textAt(union, 'e/f')).toBe('NEWtent');
  expect(textAt(lower, 'd/f')).toBe('content');
});

test('a file between two directories ends the merge (union 20)', () => {
  const [top, middle, bottom] = [lowerWith('x/', 'x/a'), lowerWith('x'), lowerWith('x/', 'x/b')];
  const union = unionOf({ lowers: [top, middle, bottom] });
  expect(union.readdir(find(union, 'x')).map((entry) => entry.name)).toEqual(['a']);
});

test('a union is a lower of another, whose marks stay its own (union 192, 194)', () => {
  const inner = unionOf({ lowers: [lowerWith('f', 'g')], store: memory() });
  inner.unlink(inner.root, b('f'));
  const outer = unionOf({ lowers: [inner], store: memory() });
  expect(outer.readdir(outer.root).map((entry) => entry.name)).toEqual(['g']);
  outer.write(find(outer, 'g'), 0, Buffer.from('outer'));
  expect(textAt(inner, 'g')).toBe('content');
  expect(textAt(outer, 'g')).toBe('outernt');
});

test('an upper without attributes still hides names, with one message each (union 11, 35)', () => {
  const warnings: string[] = [];
  const { upper, work } = upperOn(new MemoryFileSystem({ xattrs: false }));
  const union = mountUnion({
    lowers: [{ fs: lowerWith('f') }],
    upper,
    work,
    warn: (w) => warnings.push(w.code),
  });
  expect(warnings).toEqual(['FW_UNION_ABILITY', 'FW_UNION_ABILITY']);
  union.unlink(union.root, b('f'));
  expect(union.lookup(union.root, b('f'))).toBeUndefined();
  union.mkdir(union.root, b('f'), newDirectoryAttributes);
  expect(union.readdir(union.root).map((entry) => entry.type)).toEqual(['directory']);
});

test('contradicting options are refused, before anything is touched (union 14)', () => {
  const contradictions: Partial<UnionPolicy>[] = [
    { metacopy: true, redirectDir: 'off' },
    { metacopy: true, redirectDir: 'nofollow' },
    { metacopy: true, redirectDir: 'follow' },
    { writes: 'aufs', redirectDir: 'on', index: false },
    { writes: 'aufs', redirectDir: 'off', index: true },
    { writes: 'aufs', redirectDir: 'off', index: false, metacopy: true },
    { redirectMax: -1 },
    { redirectMax: 4096 },
    { redirectMax: 1.5 },
  ];
  for (const changes of contradictions) {
    const store = memory();
    expect([
      changes,
      errnoOf(() => unionOf({ lowers: [memory()], store, policy: policyWith(changes) })),
    ]).toEqual([changes, 'EINVAL']);
    expect(store.readdir(find(store, 'work'))).toEqual([]);
  }
  const readOnly = policyWith({ metacopy: true, redirectDir: 'follow' });
  unionOf({ lowers: [memory()], policy: readOnly }).unmount();
});

test('a volatile upper that was never unmounted is refused (union 174)', () => {
  const [lower, store] = [memory(), memory()];
  const policy = policyWith({ volatile: true });
  unionOf({ lowers: [lower], store, policy });
  expect(errnoOf(() => unionOf({ lowers: [lower], store: store.clone(), policy }))).toBe('EINVAL');
});

test('which layer is the upper does not depend on where the union appears, and its list is shown (union 8, 9)', () => {
  const [one, two] = [lowerWith('f', 'only-one'), lowerWith('f', 'only-two')];
  const above = unionOf({ lowers: [two], store: memory() });
  const below = unionOf({ lowers: [one, two] });
  expect(above.layers).toEqual(['upper', 'lower1']);
  expect(below.layers).toEqual(['lower1', 'lower2']);
  expect(below.which(b('/f')).layer).toBe('lower1');
});

test('a remount waits for no open writer, and gives the upper back to others meanwhile (union 17, 170)', () => {
  const [lower, store] = [lowerWith('f'), memory()];
  const union = unionOf({ lowers: [lower], store });
  const ino = find(union, 'f');
  union.open(ino, 'write');
  expect(errnoOf(() => union.remount(true))).toBe('EBUSY');
  union.release(ino);
  union.remount(true);
  expect(errnoOf(() => union.write(ino, 0, Buffer.from('x')))).toBe('EROFS');
  const other = unionOf({ lowers: [lower], store });
  expect(errnoOf(() => union.remount(false))).toBe('EBUSY');
  expect(union.readOnly).toBe(true);
  other.unmount();
  union.remount(false);
  union.write(ino, 0, Buffer.from('x'));
});

test('an upper that turns read-only answers EROFS to writers, and readers go on (union 171)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('f')], store });
  union.write(find(union, 'f'), 0, Buffer.from('x'));
  store.readOnly = true;
  expect(errnoOf(() => union.write(find(union, 'f'), 0, Buffer.from('y')))).toBe('EROFS');
  expect(errnoOf(() => union.unlink(union.root, b('f')))).toBe('EROFS');
  expect(textAt(union, 'f')).toBe('xontent');
});

test('statfs shows the upper, and without one the top lower with nothing free (union 172)', () => {
  const store = new MemoryFileSystem({ capacity: 1 << 20, inodeLimit: 100 });
  const union = unionOf({ lowers: [lowerWith('f')], store });
  expect(union.statfs()).toEqual(store.statfs());
  const lower = new MemoryFileSystem({ capacity: 1 << 16 });
  expect(unionOf({ lowers: [lower, memory()] }).statfs()).toMatchObject({
    blocks: 16,
    blocksFree: 0,
    filesFree: 0,
  });
});

test('unmounting is refused with open files, and then has all in the upper (union 175)', () => {
  const [lower, store] = [lowerWith('f'), memory()];
  const union = unionOf({ lowers: [lower], store });
  const ino = find(union, 'f');
  union.open(ino, 'read');
  expect(errnoOf(() => union.unmount())).toBe('EBUSY');
  union.release(ino);
  union.write(ino, 0, Buffer.from('x'));
  const synced: number[] = [];
  store.fault = ({ call, ino: object }) => {
    if (call === 'sync') synced.push(object);
    return undefined;
  };
  union.unmount();
  store.fault = undefined;
  expect(synced).toEqual([store.root]);
  expect(errnoOf(() => union.getattr(ino))).toBe('ENODEV');
  expect(textAt(unionOf({ lowers: [lower], store: store.clone() }), 'f')).toBe('xontent');
});

test('an empty upper is the pristine lower: what a factory reset leaves (union 177)', () => {
  const lower = lowerWith('f', 'd/', 'd/g');
  const union = unionOf({ lowers: [lower], store: memory() });
  union.unlink(union.root, b('f'));
  union.unmount();
  expect(viewOf(unionOf({ lowers: [lower], store: memory() }))).toBe(viewOf(lower));
});
