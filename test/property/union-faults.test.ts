/** Law (j): a copy-up that fails at any of its writes, or is cancelled, while a second opener waits for it. */
import { expect, test } from 'vitest';
import type { Union } from '../../tools/union/index.js';
import { FsError, Scheduler } from '../../tools/vfs/index.js';
import type { Errno, Job, MemoryFileSystem } from '../../tools/vfs/index.js';
import { b, find, put, putDirectory } from '../support/files.js';
import { memory, policyWith, strayIn, unionOf } from '../support/unions.js';
import { differenceOf, shownBy } from '../support/views.js';

const lower = memory();
for (const path of ['d', 'd/e']) putDirectory(lower, path);
put(lower, 'd/e/f');
// Four stretches of data with holes between: a copy of four pieces.
const holed = put(lower, 'holed', 'xxxxxxxxx');
for (const page of [4, 8, 12]) lower.write(holed, page * 4096, Buffer.from('data'));
lower.link(put(lower, 'hard'), lower.root, b('linked'));
lower.setxattr(find(lower, 'd/e/f'), b('user.a'), Buffer.from('1'));
lower.readOnly = true;

/** Of the lock order in tools/union/steps.ts. */
const COPY_UP_LEVEL = 3;
const policies = [policyWith({}), policyWith({ metacopy: true }), policyWith({ index: false })];
const paths = ['d/e/f', 'holed', 'hard'];

/** A union with a first opener at work, who fails when `fail` says so, and a second who waits for the same copy. */
function attempt(
  path: string,
  policy: (typeof policies)[number],
  fail: (store: MemoryFileSystem, first: Job, step: number) => void,
): { union: Union; store: MemoryFileSystem; first: Job; second: Job } {
  const store = memory();
  const union = unionOf({ lowers: [lower], store, policy });
  const ino = find(union, path);
  const scheduler = new Scheduler();
  const first = scheduler.start(union.operations.write(ino, 0, Buffer.from('ONE')));
  const second = scheduler.start(union.operations.write(ino, 3, Buffer.from('SECOND')));
  for (let step = 0; first.outcome === undefined; step += 1) {
    fail(store, first, step);
    scheduler.step(0);
    store.fault = undefined;
    // The second follows up to the lock that the first holds, and waits.
    while (copies(first) && scheduler.runnable().includes(1)) scheduler.step(1);
  }
  scheduler.runAll();
  return { union, store, first, second };
}

/** Tells whether an operation holds the lock of an object that it copies. */
function copies({ task, outcome }: Job): boolean {
  return outcome === undefined && task.held.some(({ lock }) => lock.level === COPY_UP_LEVEL);
}

/** Checks what is left when the first has failed or not; tells whether it failed. */
function inspect(
  path: string,
  policy: (typeof policies)[number],
  made: ReturnType<typeof attempt>,
  code: Errno,
): boolean {
  const { union, store, first, second } = made;
  expect(second.outcome?.kind).toBe('done');
  const failed = first.outcome?.kind === 'failed';
  if (first.outcome?.kind === 'failed') {
    expect(first.outcome.error instanceof FsError && first.outcome.error.code).toBe(code);
  }
  const text = Buffer.from(union.read(find(union, path), 0, 9)).toString();
  expect(text.slice(3)).toBe('SECOND');
  if (failed) expect(text.slice(0, 3)).toBe(path === 'holed' ? 'xxx' : 'con');
  expect(strayIn(store)).toEqual([]);
  const view = shownBy(union);
  union.unmount();
  const again = shownBy(unionOf({ lowers: [lower], store, policy }));
  expect(differenceOf(view, again, ['before', 'after another mount'])).toBeUndefined();
  return failed;
}

for (const code of ['ENOSPC', 'EIO'] as const) {
  test(`j: ${code} at each write of a copy-up, with a second opener waiting, who then succeeds (union 76, 77, 82)`, () => {
    let failures = 0;
    for (const policy of policies) {
      for (const path of paths) {
        for (let ordinal = 1, failed = true; failed; ordinal += 1) {
          let seen = 0;
          const made = attempt(path, policy, (store) => {
            store.fault = ({ changes }) => (changes && ++seen === ordinal ? code : undefined);
          });
          failed = inspect(path, policy, made, code);
          if (failed) failures += 1;
          // A change whose failure does no harm is not told, and the next one is tried.
          if (!failed && seen >= ordinal) failed = true;
        }
      }
    }
    console.log(`j: ${failures} failures by ${code}`);
    expect(failures).toBeGreaterThan(50);
  });
}

test('j: a copy-up cancelled at any step answers EINTR, and the second opener succeeds (union 75, 76, 82)', () => {
  let cancelled = 0;
  for (const policy of policies) {
    for (const path of paths) {
      for (let at = 0, more = true; more; at += 1) {
        let steps = 0;
        const made = attempt(path, policy, (_, first, step) => {
          steps = step;
          if (step === at) first.cancel();
        });
        if (inspect(path, policy, made, 'EINTR')) cancelled += 1;
        more = steps >= at;
      }
    }
  }
  console.log(`j: ${cancelled} cancelled copies`);
  expect(cancelled).toBeGreaterThan(20);
});

test('j: who waits for a copy-up can be cancelled, and the copy is completed (union 82)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lower], store });
  const ino = find(union, 'holed');
  const scheduler = new Scheduler();
  const first = scheduler.start(union.operations.write(ino, 0, Buffer.from('ONE')));
  const second = scheduler.start(union.operations.write(ino, 0, Buffer.from('SECOND')));
  for (let step = 0; step < 6; step += 1) scheduler.step(0);
  while (scheduler.runnable().includes(1)) scheduler.step(1);
  second.cancel();
  scheduler.runAll();
  expect([first.outcome?.kind, second.outcome?.kind]).toEqual(['done', 'failed']);
  expect(Buffer.from(union.read(ino, 0, 6)).toString()).toBe('ONExxx');
});
