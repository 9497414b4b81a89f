import { expect, test } from 'vitest';
import { b, find } from '../../support/files.js';
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
