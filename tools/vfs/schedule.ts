/**
 * Operations that can be stopped: an operation of a file system is a generator that yields before each lock and each
 * access to what it lies on. Run straight through it is an ordinary call; run by a `Scheduler` it is one of several
 * tasks, and whoever holds the scheduler decides which goes on.
 *
 * Locks have a complete order (union-semantics 179), checked whenever one is taken by a task that stops.
 */
import { InternalError } from '../core/index.js';
import { FsError } from './errno.js';

/**
 * What a task is about to do when it stops: take a lock, or touch something. What is `unseen` is known to that task
 * alone, so that it commutes with everything that others do.
 */
export type Step =
  | { readonly kind: 'lock'; readonly lock: Lock; readonly shared: boolean }
  | { readonly kind: 'access'; readonly what: string; readonly unseen: boolean };

/** An operation that stops at each step. */
export type Operation<T> = Generator<Step, T, void>;

/** An operation that waits for its task. */
export type Startable<T> = (task: Task) => Operation<T>;

/** Level of the first lock in the order; who holds it alone may take several locks of one level in any order. */
export const TOPOLOGY_LEVEL = 1;

/** Where a directory stands, for the order among directories. */
export interface Place {
  readonly id: number;
  readonly above: Place | undefined;
}

/** A lock that one writer or many readers hold. */
export class Lock {
  readonly level: number;
  readonly place: Place;
  #writer: Task | undefined;
  #readers = 0;

  constructor(level: number, place: Place) {
    this.level = level;
    this.place = place;
  }

  /** Whether it could be taken now. */
  available(shared: boolean): boolean {
    return this.#writer === undefined && (shared || this.#readers === 0);
  }

  /** Takes it without a stop when that is allowed and nothing contends; the usual case, and cheap. */
  tryTake(task: Task, shared = false): boolean {
    if (task.stops || this.#writer !== undefined || (!shared && this.#readers > 0)) return false;
    this.hold(task, shared);
    return true;
  }

  hold(task: Task, shared: boolean): void {
    if (shared) this.#readers += 1;
    else this.#writer = task;
    if (task.stops) task.held.push({ lock: this, shared });
  }

  release(task: Task): void {
    if (this.#writer === task) this.#writer = undefined;
    else this.#readers -= 1;
    if (!task.stops) return;
    const at = task.held.findLastIndex((held) => held.lock === this);
    if (at < 0) throw new InternalError(`a lock of level ${this.level} is released by a task that has none`);
    task.held.splice(at, 1);
  }
}

/** One user of a file system at work. `stops` is false for the straight-through face. */
export class Task {
  readonly stops: boolean;
  readonly held: { readonly lock: Lock; readonly shared: boolean }[] = [];
  cancelled = false;

  constructor(stops: boolean) {
    this.stops = stops;
  }

  /** Answers EINTR once the task is cancelled; called wherever an operation may end early. */
  checkCancelled(syscall: string): void {
    if (this.cancelled) throw new FsError('EINTR', syscall);
  }
}

/** Takes a lock, waiting for it; cancelled waits answer EINTR, unless the wait cannot be interrupted. */
export function* take(task: Task, lock: Lock, shared = false, interruptible = true): Operation<void> {
  checkOrder(task, lock);
  const step: Step = { kind: 'lock', lock, shared };
  do {
    yield step;
    if (interruptible) task.checkCancelled('lock');
  } while (!lock.available(shared));
  lock.hold(task, shared);
}

/** Runs `body` while a lock is held; `how` as for `take`. */
export function* holding<T>(
  task: Task,
  lock: Lock,
  how: { readonly shared: boolean; readonly interruptible: boolean },
  body: () => Operation<T>,
): Operation<T> {
  const { shared, interruptible } = how;
  if (!lock.tryTake(task, shared)) yield* take(task, lock, shared, interruptible);
  try {
    return yield* body();
  } finally {
    lock.release(task);
  }
}

function checkOrder(task: Task, lock: Lock): void {
  const alone = task.held.some(({ lock: held, shared }) => held.level === TOPOLOGY_LEVEL && !shared);
  for (const { lock: held } of task.held) {
    if (held.level < lock.level) continue;
    // Whoever holds the topology alone meets no other holder of two directories.
    const inOrder =
      held.level === lock.level && held !== lock && (alone || comesBefore(held.place, lock.place));
    if (!inOrder) throw new InternalError(`lock order: level ${lock.level} after level ${held.level}`);
  }
}

/** Ancestors first, unrelated ones by number. */
export function comesBefore(a: Place, b: Place): boolean {
  if (isAncestor(a, b)) return true;
  if (isAncestor(b, a)) return false;
  return a.id < b.id;
}

/** Tells whether `a` lies above `b`. */
export function isAncestor(a: Place, b: Place): boolean {
  for (let at = b.above; at !== undefined; at = at.above) if (at === a) return true;
  return false;
}

/**
 * Runs an operation straight through.
 *
 * @throws FsError EAGAIN when it meets a lock that a stopped operation holds
 */
export function runStraight<T>(operation: Operation<T>): T {
  let result = operation.next();
  while (result.done !== true) {
    result = result.value.kind === 'lock' ? operation.throw(new FsError('EAGAIN', 'lock')) : operation.next();
  }
  return result.value;
}

/** How a task ended. */
export type Outcome<T> =
  { readonly kind: 'done'; readonly value: T } | { readonly kind: 'failed'; readonly error: unknown };

/** A started operation: where it stands and how it ended. */
export interface Job<T = unknown> {
  readonly task: Task;
  /** The step it takes next; undefined once it has ended. */
  readonly next: Step | undefined;
  readonly outcome: Outcome<T> | undefined;
  /** Asks it to end with EINTR at its next lock or chunk. */
  cancel(): void;
}

class RunningJob<T> implements Job<T> {
  readonly task = new Task(true);
  readonly #operation: Operation<T>;
  next: Step | undefined;
  outcome: Outcome<T> | undefined;

  constructor(start: (task: Task) => Operation<T>) {
    this.#operation = start(this.task);
    this.advance();
  }

  advance(): void {
    try {
      const result = this.#operation.next();
      if (result.done !== true) {
        this.next = result.value;
        return;
      }
      this.outcome = { kind: 'done', value: result.value };
    } catch (error) {
      this.outcome = { kind: 'failed', error };
    }
    this.next = undefined;
  }

  cancel(): void {
    this.task.cancelled = true;
  }
}

/** Runs several operations step by step, in an order that its owner chooses. */
export class Scheduler {
  readonly #jobs: RunningJob<unknown>[] = [];

  /** Starts an operation; it runs up to its first stop. */
  start<T>(operation: (task: Task) => Operation<T>): Job<T> {
    const job = new RunningJob(operation);
    this.#jobs.push(job);
    return job;
  }

  /** Numbers of the jobs that can go on now, in the order of their start. */
  runnable(): number[] {
    const numbers: number[] = [];
    for (const [number, job] of this.#jobs.entries()) {
      const step = job.next;
      if (step === undefined) continue;
      if (step.kind !== 'lock' || job.task.cancelled || step.lock.available(step.shared))
        numbers.push(number);
    }
    return numbers;
  }

  /** Lets one job do its next step. */
  step(number: number): void {
    this.#jobs[number]?.advance();
  }

  /** What a job will do next. */
  nextStep(number: number): Step | undefined {
    return this.#jobs[number]?.next;
  }

  /** True when every job has ended. */
  get idle(): boolean {
    return this.#jobs.every((job) => job.next === undefined);
  }

  /**
   * Runs all jobs to their ends, in turn.
   *
   * @throws InternalError when jobs wait for one another
   */
  runAll(): void {
    while (!this.idle) {
      const runnable = this.runnable();
      if (runnable.length === 0) throw new InternalError('operations wait for one another');
      for (const number of runnable) this.step(number);
    }
  }
}
