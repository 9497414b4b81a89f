/** Several operations in flight at one time, in an order that a seed chooses at each of their steps. */
import { InternalError, seededRandom } from '../../core/index.js';
import { FsError, Scheduler, type Errno, type Startable } from '../../vfs/index.js';

/** How an operation in flight ended. */
export type Answer = 'done' | Errno;

/** How a schedule went. */
export interface TogetherReport {
  /** Of each operation, in the order they were given. */
  readonly answers: readonly Answer[];
  /** Which operation did each step, by number: two schedules with the same order are the same. */
  readonly order: readonly number[];
}

/** Steps after which operations are taken to wait for one another for ever. */
const STEP_LIMIT = 1_000_000;

/**
 * Runs operations together. The same seed from the same state gives the same order; a step that only its own operation can
 * see is done at once, because it commutes with all others.
 *
 * @throws PowerCut as soon as one of them meets it: the others stay where they are
 */
export function runTogether(operations: readonly Startable<void>[], seed: number): TogetherReport {
  const random = seededRandom(seed);
  const scheduler = new Scheduler();
  const jobs = operations.map((operation) => scheduler.start(operation));
  const order: number[] = [];
  const answers = (): Answer[] =>
    jobs.map(({ outcome }) => {
      if (outcome?.kind !== 'failed') return 'done';
      if (outcome.error instanceof FsError) return outcome.error.code;
      throw outcome.error;
    });
  answers();
  while (!scheduler.idle) {
    const runnable = scheduler.runnable();
    const alone = runnable.find((number) => isUnseen(scheduler, number));
    const chosen = alone ?? runnable[random.below(runnable.length)];
    if (chosen === undefined || order.length === STEP_LIMIT)
      throw new InternalError('operations wait for one another');
    order.push(chosen);
    scheduler.step(chosen);
    answers();
  }
  return { answers: answers(), order };
}

function isUnseen(scheduler: Scheduler, number: number): boolean {
  const step = scheduler.nextStep(number);
  return step?.kind === 'access' && step.unseen;
}
