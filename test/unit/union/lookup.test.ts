import { expect, test } from 'vitest';
import type { Union } from '../../../tools/union/index.js';
import type { ByteString } from '../../../tools/core/index.js';
import { FsError, MemoryFileSystem } from '../../../tools/vfs/index.js';
import type { FileSystemStatistics, Ino, NewNode, RenameFlags } from '../../../tools/vfs/index.js';
import { b, errnoOf, find, names, newFile, plain, put, putDirectory, textAt } from '../../support/files.js';
import { lowerWith, memory, unionOf } from '../../support/unions.js';

test('the first hit that is no directory is the result alone, and nothing reaches what it hides (union 18, 19, 30)', () => {
  const [top, bottom] = [memory(), lowerWith('x/', 'x/y')];
  put(top, 'x', 'top');
  const union = unionOf({ lowers: [top, bottom] });
  expect(textAt(union, 'x')).toBe('top');
  expect(errnoOf(() => union.lookup(find(union, 'x'), b('y')))).toBe('ENOTDIR');
});

test('a child is searched only in the layers in which its parent takes part (union 21)', () => {
  const [top, middle, bottom] = [lowerWith('d/'), lowerWith('d'), lowerWith('d/', 'd/x')];
  const union = unionOf({ lowers: [top, middle, bottom] });
  expect(union.lookup(find(union, 'd'), b('x'))).toBeUndefined();
});

test('parents are union directories, also of what only a lower has (union 23)', () => {
  const union = unionOf({ lowers: [lowerWith('d/', 'd/e/')], store: memory() });
  expect(union.parent(find(union, 'd/e'))).toBe(find(union, 'd'));
  expect(union.parent(union.root)).toBe(union.root);
});

test('a name too long for one layer is not in it, and one too long for all is refused (union 24)', () => {
  const short = lowerWith('f');
  const lookup = short.lookup.bind(short);
  short.lookup = (directory, name) => {
    if (name.length > 20) throw new FsError('ENAMETOOLONG', 'lookup', name);
    return lookup(directory, name);
  };
  const long = 'x'.repeat(30);
  const union = unionOf({ lowers: [short, lowerWith(long)], store: memory() });
  expect(textAt(union, long)).toBe('content');
  expect(errnoOf(() => union.lookup(union.root, b('x'.repeat(256))))).toBe('ENAMETOOLONG');
});

test('an error of a layer is the result; nothing beneath shows instead (union 25)', () => {
  for (const code of ['EIO', 'EACCES', 'ENOMEM'] as const) {
    const [top, bottom] = [lowerWith('f'), lowerWith('f', 'g')];
    const union = unionOf({ lowers: [top, bottom] });
    top.fault = ({ call }) => (call === 'lookup' ? code : undefined);
    for (const name of ['f', 'g']) expect(errnoOf(() => union.lookup(union.root, b(name)))).toBe(code);
    top.fault = undefined;
    expect(names(union)).toEqual(['f', 'g']);
  }
});

test('an absent name is remembered until it is made through the union (union 27)', () => {
  const lower = lowerWith('f');
  const union = unionOf({ lowers: [lower], store: memory() });
  let asked = 0;
  lower.fault = ({ call }) => {
    if (call === 'lookup') asked += 1;
    return undefined;
  };
  expect(union.lookup(union.root, b('n'))).toBeUndefined();
  const before = asked;
  expect(union.lookup(union.root, b('n'))).toBeUndefined();
  expect(asked).toBe(before);
  put(union, 'n');
  expect(textAt(union, 'n')).toBe('content');
});

test('numbers are of one table: layer above bit 32, below 2^53, and the same after another mount (union 125, 126, 127, 128, 130)', () => {
  const lowers = [lowerWith('a', 'd/'), lowerWith('b')];
  lowers[0]?.link(find(lowers[0], 'a'), lowers[0].root, b('a2'));
  const store = memory();
  const union = unionOf({ lowers, store });
  const wanted = new Map(['a', 'a2', 'b', 'd'].map((name) => [name, find(union, name)]));
  expect(wanted.get('a')).toBe(wanted.get('a2'));
  for (const number of wanted.values()) {
    expect(number).toBeGreaterThan(2 ** 32);
    expect(Number.isSafeInteger(number)).toBe(true);
    union.setattr(number, { mode: 0o700 });
  }
  union.unmount();
  const again = unionOf({ lowers, store });
  expect(new Map([...wanted.keys()].map((name) => [name, find(again, name)]))).toEqual(wanted);
});

test('a number of the upper that is used again means a new object (union 129)', () => {
  const store = new MemoryFileSystem({ reuseNumbers: true });
  const union = unionOf({ lowers: [lowerWith('d/')], store });
  const first = put(union, 'f', 'first');
  union.open(first, 'read');
  union.unlink(union.root, b('f'));
  union.release(first);
  const second = put(union, 'f', 'second');
  expect(textAt(union, 'f')).toBe('second');
  expect(union.getattr(second).nlink).toBe(1);
});

test('nine unions on one another are refused, eight work, and numbers that fill the high bits come from a table (union 193, 195)', () => {
  let inner = unionOf({ lowers: [lowerWith('f')] });
  for (let depth = 2; depth <= 8; depth += 1) inner = unionOf({ lowers: [inner] });
  expect(textAt(inner, 'f')).toBe('content');
  expect(Number.isSafeInteger(find(inner, 'f'))).toBe(true);
  expect(errnoOf(() => unionOf({ lowers: [inner] }))).toBe('ELOOP');
});

test('a lower changed behind the union never crashes it; what is gone answers an errno (union 197)', () => {
  const lower = lowerWith('d/', 'd/f', 'd/g', 'x');
  const store = memory();
  const union = unionOf({ lowers: [lower], store });
  const [f, g] = [find(union, 'd/f'), find(union, 'd/g')];
  lower.unlink(find(lower, 'd'), b('f'));
  lower.rename(find(lower, 'd'), b('g'), lower.root, b('moved'));
  for (const call of [
    () => union.getattr(f),
    () => union.read(f, 0, 1),
    () => union.write(f, 0, Buffer.from('x')),
  ]) {
    expect(['ESTALE', 'ENOENT']).toContain(errnoOf(call));
  }
  union.write(g, 0, Buffer.from('G'));
  put(union, 'still');
  expect(names(union)).toContain('still');
});

test('an upper changed behind the union is met with ESTALE, and nothing there is harmed (union 80, 120, 197)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('f', 'g', 'd/')], store });
  union.setattr(find(union, 'f'), { mode: 0o600 });
  const g = find(union, 'g');
  const upper = find(store, 'upper');
  store.unlink(upper, b('f'));
  put(store, 'upper/f', 'foreign');
  put(store, 'upper/g', 'foreign');
  expect(errnoOf(() => union.unlink(union.root, b('f')))).toBe('ESTALE');
  expect(errnoOf(() => union.setattr(g, { mode: 0o600 }))).toBe('ESTALE');
  expect([textAt(store, 'upper/f'), textAt(store, 'upper/g')]).toEqual(['foreign', 'foreign']);
});

test('an upper may be changed while no union is mounted (union 199)', () => {
  const [lower, store] = [lowerWith('f', 'g'), memory()];
  const union = unionOf({ lowers: [lower], store });
  union.unlink(union.root, b('f'));
  union.unmount();
  store.unlink(find(store, 'upper'), b('f'));
  putDirectory(store, 'upper/new');
  expect(names(unionOf({ lowers: [lower], store }))).toEqual(['f', 'g', 'new']);
});

test('a new lower under an old upper: whiteouts, origins, redirects and index entries without lower do no harm (union 86, 87, 200)', () => {
  const old = lowerWith('gone', 'kept', 'd/', 'd/f', 'hard');
  old.link(find(old, 'hard'), old.root, b('hard2'));
  const store = memory();
  const union = unionOf({ lowers: [old], store });
  union.unlink(union.root, b('gone'));
  union.write(find(union, 'kept'), 0, Buffer.from('CHANGED'));
  union.write(find(union, 'hard'), 0, Buffer.from('HARDLNK'));
  union.rename(union.root, b('d'), union.root, b('moved'));
  put(union, 'moved/own');
  union.unmount();
  const codes: string[] = [];
  const again = unionOf({ lowers: [lowerWith('new')], store, warn: ({ code }) => codes.push(code) });
  expect(names(again)).toEqual(['hard', 'kept', 'moved', 'new']);
  expect(names(again, find(again, 'moved'))).toEqual(['own']);
  expect([textAt(again, 'kept'), textAt(again, 'hard')]).toEqual(['CHANGED', 'HARDLNK']);
  expect(codes).toContain('FW_UNION_LEFTOVER');
  expect(names(store, find(store, 'work/index'))).toEqual([]);
});

test('nothing is found in a directory that was removed while somebody holds it (union 149)', () => {
  const [lower, store] = [lowerWith('d/', 'd/f'), memory()];
  const first = unionOf({ lowers: [lower], store });
  first.unlink(find(first, 'd'), b('f'));
  first.unmount();
  const union = unionOf({ lowers: [lower], store });
  const d = find(union, 'd');
  union.open(d, 'read');
  union.rmdir(union.root, b('d'));
  expect([union.lookup(d, b('f')), names(union, d)]).toEqual([undefined, []]);
  expect(errnoOf(() => union.mknod(d, b('x'), newFile))).toBe('ENOENT');
  expect(errnoOf(() => union.tmpfile(d, plain))).toBe('ENOENT');
  put(union, 'y');
  expect(errnoOf(() => union.rename(union.root, b('y'), d, b('x')))).toBe('ENOENT');
});

test('an origin that names an object of another type is unknown (union 87, 200)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('f')], store });
  const number = find(union, 'f');
  union.setattr(number, { mode: 0o600 });
  union.unmount();
  const other = memory();
  other.mknod(other.root, b('pipe'), { ...newFile, type: 'fifo' });
  put(other, 'f');
  const again = unionOf({ lowers: [other], store });
  expect(find(again, 'pipe')).toBe(number);
  expect(find(again, 'f')).toBe(find(store, 'upper/f'));
});

test('an absolute redirect is followed through layers that lack a part of its path, and not beneath an opaque one (union 21, 43, 109)', () => {
  const redirected = lowerWith('new/');
  redirected.setxattr(find(redirected, 'new'), b('trusted.overlay.redirect'), Buffer.from('/a/b/c'));
  const bottom = lowerWith('a/', 'a/b/', 'a/b/c/', 'a/b/c/low');
  for (const middle of [lowerWith('a/'), lowerWith('a/', 'a/b/'), lowerWith('a/', 'a/b/', 'a/b/c/')]) {
    for (const opaque of [undefined, 'a']) {
      if (opaque) middle.setxattr(find(middle, opaque), b('trusted.overlay.opaque'), Buffer.from('y'));
      const union = unionOf({ lowers: [redirected, middle, bottom], store: memory() });
      expect(names(union, find(union, 'new'))).toEqual(opaque ? [] : ['low']);
    }
  }
  for (const middle of [lowerWith('a/', 'a/b'), lowerWith('a')]) {
    const union = unionOf({ lowers: [redirected, middle, bottom], store: memory() });
    expect(names(union, find(union, 'new'))).toEqual([]);
  }
  const moved = lowerWith('z/');
  moved.setxattr(find(moved, 'z'), b('trusted.overlay.redirect'), Buffer.from('b'));
  const above = lowerWith('new/');
  above.setxattr(find(above, 'new'), b('trusted.overlay.redirect'), Buffer.from('/z/c'));
  const union = unionOf({ lowers: [above, moved, lowerWith('b/', 'b/c/', 'b/c/deep')], store: memory() });
  expect(names(union, find(union, 'new'))).toEqual(['deep']);
});

/** Holds names of at most 254 bytes, as JFFS2. */
class ShortNames extends MemoryFileSystem {
  override statfs(): FileSystemStatistics {
    return { ...super.statfs(), nameMax: 254 };
  }

  override lookup(directory: Ino, name: ByteString): Ino | undefined {
    return super.lookup(directory, short(name));
  }

  override mknod(directory: Ino, name: ByteString, node: NewNode): Ino {
    return super.mknod(directory, short(name), node);
  }

  override link(ino: Ino, directory: Ino, name: ByteString): void {
    super.link(ino, directory, short(name));
  }

  override rename(from: Ino, name: ByteString, to: Ino, newName: ByteString, flags?: RenameFlags): void {
    super.rename(from, name, to, short(newName), flags);
  }
}

function short(name: ByteString): ByteString {
  if (name.length > 254) throw new FsError('ENAMETOOLONG', 'name', name);
  return name;
}

test('a name that only a lower can hold shows, is told by statfs, and comes to the upper under a shorter one (union 24, 172)', () => {
  const store = new ShortNames();
  const lower = lowerWith('x'.repeat(255), 'short');
  const union = unionOf({ lowers: [lower], store });
  const long = b('x'.repeat(255));
  expect([union.statfs().nameMax, textAt(union, long)]).toEqual([255, 'content']);
  for (const change of [
    () => union.setattr(find(union, long), { mode: 0o600 }),
    () => union.unlink(union.root, long),
    () => union.rename(union.root, long, union.root, b('y')),
    () => union.rename(union.root, b('short'), union.root, b('y'.repeat(255))),
    () => put(union, 'y'.repeat(255)),
  ]) {
    expect(errnoOf(change)).toBe('ENAMETOOLONG');
  }
  expect([names(union), textAt(union, long)]).toEqual([['short', long], 'content']);
});

test('whatever name a change means, an object that was put in its place is ESTALE and stays (union 120, 197)', () => {
  type Change = (union: Union) => unknown;
  const changes: readonly (readonly [string, Change])[] = [
    ['f', (union) => union.unlink(union.root, b('f'))],
    ['f', (union) => union.rename(union.root, b('f'), union.root, b('new'))],
    ['f', (union) => union.rename(union.root, b('g'), union.root, b('f'))],
    ['f', (union) => union.rename(union.root, b('f'), union.root, b('g'), { exchange: true })],
    ['f', (union) => union.rename(union.root, b('g'), union.root, b('f'), { exchange: true })],
    ['d', (union) => union.rmdir(union.root, b('d'))],
    ['d', (union) => union.rename(union.root, b('d'), union.root, b('new'))],
    ['new', (union) => union.mknod(union.root, b('new'), newFile)],
    ['new', (union) => union.link(find(union, 'f'), union.root, b('new'))],
  ];
  for (const [name, change] of changes) {
    const store = memory();
    const union = unionOf({ lowers: [lowerWith('f', 'g', 'd/')], store });
    for (const path of ['f', 'g', 'd']) union.setattr(find(union, path), { mode: 0o700 });
    expect(union.lookup(union.root, b('new'))).toBeUndefined();
    const upper = find(store, 'upper');
    if (name === 'd') store.rmdir(upper, b(name));
    else if (name === 'f') store.unlink(upper, b(name));
    put(store, `upper/${name}`, 'foreign');
    expect(errnoOf(() => change(union))).toBe('ESTALE');
    expect(textAt(store, `upper/${name}`)).toBe('foreign');
  }
});
