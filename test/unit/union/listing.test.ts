import { expect, test } from 'vitest';
import { policies } from '../../../tools/union/index.js';
import { removeTree } from '../../../tools/vfs/index.js';
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
import { lowerWith, memory, unionOf, upperOn } from '../../support/unions.js';
import { viewOf } from '../../support/views.js';

test('a listing goes on after removals without losing or repeating a name (union 50, 52, 55)', () => {
  const union = unionOf({ lowers: [lowerWith('a', 'b', 'c', 'd')], store: memory() });
  const first = union.readdir(union.root, 0, 2);
  for (const { name } of first) union.unlink(union.root, name);
  put(union, 'e');
  const rest = union.readdir(union.root, first.at(-1)?.cookie ?? 0);
  expect([...first, ...rest].map((entry) => entry.name)).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(union.readdir(union.root, 1e9)).toEqual([]);
});

test('a lower file linked into a new directory is listed with its own number after a new mount (union 56, 124)', () => {
  const [lower, store] = [lowerWith('f'), memory()];
  const union = unionOf({ lowers: [lower], store });
  putDirectory(union, 'd');
  union.link(find(union, 'f'), find(union, 'd'), b('g'));
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  const [entry] = again.readdir(find(again, 'd'));
  expect(again.getattr(entry?.ino ?? 0).ino).toBe(find(again, 'd/g'));
  // Linux asks for numbers only where this mark tells it to.
  expect(store.listxattr(find(store, 'upper/d'))).toContain('trusted.overlay.impure');
});

test('a listing takes names of lower hard links from the upper where it has them, or hides them (union 48, 84)', () => {
  const lower = lowerWith('a');
  for (const name of ['b', 'c']) lower.link(find(lower, 'a'), lower.root, b(name));
  const store = memory();
  const policy = policies.openwrt;
  const union = unionOf({ lowers: [lower], store, policy });
  union.write(find(union, 'a'), 0, Buffer.from('CHANGED'));
  union.unlink(union.root, b('b'));
  union.unmount();
  const again = unionOf({ lowers: [lower], store, policy });
  expect(names(again)).toEqual(['a', 'c']);
  expect(again.lookup(again.root, b('b'))).toBeUndefined();
  expect([textAt(again, 'a'), textAt(again, 'c')]).toEqual(['CHANGED', 'content']);
});

test('a lower directory that a foreign upper shows in two places has its own objects in each (union 124)', () => {
  const lower = lowerWith('a/', 'a/f');
  const store = memory();
  const moved = store.mkdir(upperOn(store).upper.root, b('moved'), newDirectoryAttributes);
  store.setxattr(moved, b('trusted.overlay.redirect'), Buffer.from('/a'));
  const union = unionOf({ lowers: [lower], store });
  for (const { ino } of union.readdir(union.root)) union.readdir(ino);
  union.write(find(union, 'moved/f'), 0, Buffer.from('changed'));
  expect([textAt(union, 'a/f'), textAt(union, 'moved/f')]).toEqual(['content', 'changed']);
  for (const path of ['a', 'moved']) {
    const [entry] = union.readdir(find(union, path));
    expect(entry?.ino).toBe(find(union, `${path}/f`));
  }
});

test('objects of a lower directory that shows in two places have numbers of their own, whoever asks first and how (union 56, 124)', () => {
  const lower = lowerWith('a/', 'a/f', 'a/s/', 'a/s/g');
  const all = ['', '/f', '/s', '/s/g'];
  for (const order of [
    ['a', 'x'],
    ['x', 'a'],
  ]) {
    for (const depth of [1, 2]) {
      const store = memory();
      const x = store.mkdir(upperOn(store).upper.root, b('x'), newDirectoryAttributes);
      store.setxattr(x, b('trusted.overlay.redirect'), Buffer.from('/a'));
      const union = unionOf({ lowers: [lower], store });
      const listed = new Map<string, number>();
      const list = (path: string): void => {
        for (const { name, ino } of union.readdir(find(union, path))) listed.set(`${path}/${name}`, ino);
      };
      // Both are listed before anybody asks for what was listed.
      list('');
      for (const place of order) list(`/${place}`);
      if (depth === 2) for (const place of order) list(`/${place}/s`);
      for (const [path, ino] of listed)
        expect([path, union.getattr(ino).ino]).toEqual([path, find(union, path)]);
      const numbers = order.flatMap((place) => all.map((path) => find(union, place + path)));
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(viewOf(union)).not.toContain('INCONSISTENT');
    }
  }
});

test('a list that was read in part goes on while copies come, also through rm -r (union 49, 51, 54, 60)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('d/', 'd/a', 'd/b', 'd/c/', 'd/c/x')], store });
  const d = find(union, 'd');
  const [first] = union.readdir(d, 0, 1);
  for (const { ino } of union.readdir(d)) union.setattr(ino, { mode: 0o700 });
  const rest = union.readdir(d, first?.cookie);
  expect([first, ...rest].map((entry) => entry?.name)).toEqual(['a', 'b', 'c']);
  removeTree(union, b('/d'));
  expect(names(union)).toEqual([]);
});

test('nothing is looked up in a layer while that layer lists (union 57)', () => {
  const lower = lowerWith('d/', 'd/a');
  const readdir = lower.readdir.bind(lower);
  let inside = false;
  lower.readdir = (...call) => {
    inside = true;
    const entries = readdir(...call);
    inside = false;
    return entries;
  };
  lower.fault = ({ call }) => (inside && call !== 'readdir' ? 'EIO' : undefined);
  const union = unionOf({ lowers: [lower, lowerWith('d/', 'd/b')], store: memory() });
  expect(names(union, find(union, 'd'))).toEqual(['a', 'b']);
});

test('a listing asks each layer once, however many names it has (union 58)', () => {
  const lowers = [0, 1].map((half) =>
    lowerWith(...Array.from({ length: 2000 }, (_, at) => `f${half * 1000 + at}`)),
  );
  let calls = 0;
  for (const lower of lowers) {
    lower.fault = () => {
      calls += 1;
      return undefined;
    };
  }
  const union = unionOf({ lowers, store: memory() });
  calls = 0;
  expect(union.readdir(union.root)).toHaveLength(3000);
  expect(calls).toBeLessThan(10);
});

test('an error of one part fails the whole listing, and the next try is complete (union 59)', () => {
  const [top, bottom] = [lowerWith('a'), lowerWith('b')];
  const union = unionOf({ lowers: [top, bottom], store: memory() });
  bottom.fault = ({ call }) => (call === 'readdir' ? 'EIO' : undefined);
  expect(errnoOf(() => union.readdir(union.root))).toBe('EIO');
  bottom.fault = undefined;
  expect(names(union)).toEqual(['a', 'b']);
});

test('what is beneath keeps its place in the list when the upper grows (union 53)', () => {
  const [lower, store] = [lowerWith('m', 'z'), memory()];
  const union = unionOf({ lowers: [lower], store });
  const before = union.readdir(union.root);
  put(union, 'a');
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  expect(again.readdir(again.root).slice(0, 2)).toEqual(before);
});
