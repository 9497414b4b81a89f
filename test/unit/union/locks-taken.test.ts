import { expect, test } from 'vitest';
import type { Union } from '../../../tools/union/index.js';
import { Task } from '../../../tools/vfs/index.js';
import type { Startable } from '../../../tools/vfs/index.js';
import { b, find, newFile } from '../../support/files.js';
import { lowerWith, memory, unionOf } from '../../support/unions.js';

/** Runs an operation that meets nobody; how many locks it took, and how many at one time. */
function locksOf(start: Startable<unknown>): { taken: number; atOnce: number } {
  const task = new Task(true);
  const operation = start(task);
  let [taken, atOnce] = [0, 0];
  for (let step = operation.next(); step.done !== true; step = operation.next()) {
    if (step.value.kind === 'lock') taken += 1;
    atOnce = Math.max(atOnce, task.held.length);
  }
  expect(task.held).toEqual([]);
  return { taken, atOnce };
}

const cases: readonly [string, { taken: number; atOnce: number }, (union: Union) => Startable<unknown>][] = [
  [
    'look up a known name',
    { taken: 0, atOnce: 0 },
    ({ operations, root }) => operations.lookup(root, b('d')),
  ],
  ['look up another', { taken: 1, atOnce: 1 }, ({ operations, root }) => operations.lookup(root, b('other'))],
  [
    'attributes of a lower file',
    { taken: 0, atOnce: 0 },
    (union) => union.operations.getattr(find(union, 'd/f')),
  ],
  [
    'write to an upper file',
    { taken: 0, atOnce: 0 },
    (union) => union.operations.write(find(union, 'd/u'), 0, Buffer.from('x')),
  ],
  // The topology shared, and one copy-up lock after the other: the directory's, the file's.
  [
    'write to a lower file',
    { taken: 3, atOnce: 2 },
    (union) => union.operations.write(find(union, 'e/f'), 0, Buffer.from('x')),
  ],
  ['create', { taken: 2, atOnce: 2 }, (union) => union.operations.mknod(find(union, 'd'), b('new'), newFile)],
  ['unlink', { taken: 3, atOnce: 3 }, (union) => union.operations.unlink(find(union, 'd'), b('u'))],
];

for (const [what, expected, start] of cases) {
  test(`${what}: ${expected.taken} locks, ${expected.atOnce} at one time (union 181)`, () => {
    const union = unionOf({ lowers: [lowerWith('d/', 'd/f', 'e/', 'e/f', 'other')], store: memory() });
    union.mknod(find(union, 'd'), b('u'), newFile);
    expect(locksOf(start(union))).toEqual(expected);
  });
}
