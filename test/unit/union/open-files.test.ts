import { expect, test } from 'vitest';
import { b, errnoOf, find } from '../../support/files.js';
import { lowerWith, memory, strayIn, unionOf } from '../../support/unions.js';

test('an open file stays the same object across copy-up, rename and unlink (union 124, 145, 149)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  const ino = find(union, 'f');
  union.open(ino, 'read');
  union.write(ino, 0, Buffer.from('CHANGED'));
  expect(Buffer.from(union.read(ino, 0, 7)).toString()).toBe('CHANGED');
  union.rename(union.root, b('f'), union.root, b('g'));
  expect(find(union, 'g')).toBe(ino);
  union.unlink(union.root, b('g'));
  expect(union.getattr(ino).nlink).toBe(0);
  union.release(ino);
  expect(errnoOf(() => union.getattr(ino))).toBe('ESTALE');
});

test('a lower file that is open and removed can still be changed, without a name (union 123, 149)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('f')], store });
  const ino = find(union, 'f');
  union.open(ino, 'write');
  union.unlink(union.root, b('f'));
  expect(union.setattr(ino, { mode: 0o600 })).toMatchObject({ mode: 0o600, nlink: 0 });
  expect(Buffer.from(union.read(ino, 0, 7)).toString()).toBe('content');
  expect(union.lookup(union.root, b('f'))).toBeUndefined();
  union.release(ino);
  expect(strayIn(store)).toEqual([]);
});
