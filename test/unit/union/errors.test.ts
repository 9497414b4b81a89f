/** What the union answers: errnos for the caller's object, in words of the union. */
import { expect, test } from 'vitest';
import type { Errno, Ino } from '../../../tools/vfs/index.js';
import { FsError } from '../../../tools/vfs/index.js';
import type { Union } from '../../../tools/union/index.js';
import { b, errnoOf, find, newDirectoryAttributes, newFile } from '../../support/files.js';
import { lowerWith, memory, unionOf } from '../../support/unions.js';

/** Calls that change the upper, with the name that each is told. */
const calls: readonly [string | undefined, (union: Union, root: Ino) => unknown][] = [
  ['new', (union, root) => union.mknod(root, b('new'), newFile)],
  ['gone', (union, root) => union.mknod(root, b('gone'), newFile)],
  ['gone', (union, root) => union.mkdir(root, b('gone'), newDirectoryAttributes)],
  ['gone', (union, root) => union.symlink(root, b('gone'), b('target'), newFile)],
  ['f', (union, root) => union.unlink(root, b('f'))],
  ['d', (union, root) => union.rmdir(root, b('d'))],
  ['f', (union, root) => union.rename(root, b('f'), root, b('gone'))],
  ['d', (union, root) => union.rename(root, b('d'), root, b('elsewhere'))],
  ['linked', (union, root) => union.link(find(union, 'f'), root, b('linked'))],
  [undefined, (union) => union.write(find(union, 'f'), 0, Buffer.from('x'))],
  [undefined, (union) => union.setattr(find(union, 'f'), { mode: 0o600 })],
  [
    'trusted.overlay.x',
    (union) => union.setxattr(find(union, 'f'), b('trusted.overlay.x'), Buffer.from('1')),
  ],
];

function failureOf(call: () => unknown): FsError | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof FsError) return error;
    throw error;
  }
  return undefined;
}

test('an error of a layer names the caller’s own call and name, never what lies in the work directory (union 191)', () => {
  const heard = new Set<string | undefined>();
  for (const [name, call] of calls) {
    for (let ordinal = 1, failed = true; failed; ordinal += 1) {
      const store = memory();
      const union = unionOf({ lowers: [lowerWith('f', 'd/', 'gone')], store });
      union.unlink(union.root, b('gone'));
      let change = 0;
      store.fault = ({ changes }): Errno | undefined =>
        changes && (change += 1) === ordinal ? 'ENOSPC' : undefined;
      const error = failureOf(() => call(union, union.root));
      failed = change >= ordinal;
      // Some failures have another way out, and the call succeeds.
      if (!error) continue;
      expect([error.code, error.path, error.message.includes('#')]).toEqual(['ENOSPC', name, false]);
      heard.add(error.message);
    }
  }
  expect(heard.size).toBeGreaterThan(8);
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  const read = () => union.getxattr(find(union, 'f'), b('trusted.overlay.none'));
  expect(read).toThrow("ENODATA: getxattr 'trusted.overlay.none'");
});

test('an object that was removed or replaced meanwhile is ESTALE, not ENOENT, for whoever asks by number (union 190)', () => {
  const union = unionOf({ lowers: [lowerWith('f', 'g', 'd/')], store: memory() });
  const [f, g, d] = ['f', 'g', 'd'].map((path) => find(union, path)) as [Ino, Ino, Ino];
  union.rename(union.root, b('f'), union.root, b('g'));
  union.rmdir(union.root, b('d'));
  const asked: (() => unknown)[] = [
    () => union.open(g, 'read'),
    () => union.setattr(g, { mode: 0o600 }),
    () => union.getattr(g),
    () => union.read(g, 0, 1),
    () => union.lookup(d, b('x')),
    () => union.rename(d, b('x'), union.root, b('y')),
    () => union.link(g, union.root, b('again')),
  ];
  expect(asked.map((ask) => errnoOf(ask))).toEqual(asked.map(() => 'ESTALE'));
  expect(union.getattr(f).nlink).toBe(1);
});
