import { expect, test } from 'vitest';
import { b, find, put } from '../../support/files.js';
import { lowerWith, memory, unionOf } from '../../support/unions.js';

test('a watch on a lower file hears the write that copies it, and not the copy (union 165, 166)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  const kinds: string[] = [];
  union.watch(union.root, (event) => kinds.push(`${event.kind} ${event.name ?? ''}`));
  union.write(find(union, 'f'), 0, Buffer.from('x'));
  union.rename(union.root, b('f'), union.root, b('g'));
  union.unlink(union.root, b('g'));
  expect(kinds).toEqual(['modify f', 'moved-from f', 'moved-to g', 'delete g']);
});

test('in a merged directory each change is told once, by the union\u2019s names, and whiteouts never are (union 164, 167)', () => {
  const [lower, store] = [lowerWith('d/', 'd/f', 'd/g'), memory()];
  const union = unionOf({ lowers: [lower], store });
  const kinds: string[] = [];
  const end = union.watch(find(union, 'd'), (event) =>
    kinds.push(`${event.kind} ${event.name ?? ''}`.trim()),
  );
  put(union, 'd/new');
  union.setattr(find(union, 'd/f'), { mode: 0o600 });
  union.unlink(find(union, 'd'), b('g'));
  union.rename(find(union, 'd'), b('f'), union.root, b('f'));
  expect(kinds).toEqual(['create new', 'modify new', 'attrib f', 'delete g', 'moved-from f']);
  end();
  union.unlink(find(union, 'd'), b('new'));
  expect(kinds).toHaveLength(5);
});

test('changes made in a layer, or by another union over the same lower, are not told (union 168, 169)', () => {
  const lower = lowerWith('f');
  const [store, other] = [memory(), memory()];
  const union = unionOf({ lowers: [lower], store });
  const kinds: string[] = [];
  for (const ino of [union.root, find(union, 'f')]) union.watch(ino, (event) => kinds.push(event.kind));
  const second = unionOf({ lowers: [lower], store: other });
  second.write(find(second, 'f'), 0, Buffer.from('x'));
  put(store, 'upper/foreign');
  expect(kinds).toEqual([]);
});
