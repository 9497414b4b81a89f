import { expect, test } from 'vitest';
import { b, find, put, putDirectory } from '../../support/files.js';
import { lowerWith, memory, unionOf } from '../../support/unions.js';

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
});
