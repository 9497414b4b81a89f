import { expect, test } from 'vitest';
import { put } from '../../support/files.js';
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
