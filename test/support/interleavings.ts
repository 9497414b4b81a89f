/**
 * Explorer of interleavings: runs operations in every order of their steps and compares each end with the ends that
 * doing them one after the other gives.
 *
 * A step on what nobody else knows (`unseen`) commutes with everything, so it is never a branch. A replay id names the
 * operations and the choices.
 */
import { FsError, Scheduler } from '../../tools/vfs/index.js';
import type { Job, Startable } from '../../tools/vfs/index.js';

/** Steps after which a run is taken for endless. */
const STEP_LIMIT = 5000;

/** Operations that meet. */
export interface Meeting {
  readonly names: readonly string[];
  /** The ends that may be. */
  readonly allowed: ReadonlySet<string>;
  /** Makes everything anew, for one schedule. */
  begin(): Encounter;
}

/** One run of a meeting. */
export interface Encounter {
  readonly operations: readonly Startable<unknown>[];
  /** Looks at what is left when all have ended: a text to compare, or what is wrong in any case. */
  end(jobs: readonly Job[]): End;
}

/** What one run left. */
export type End =
  { readonly kind: 'end'; readonly text: string } | { readonly kind: 'fault'; readonly what: string };

/** One run that did not end as it may. */
export interface Violation {
  readonly replay: string;
  readonly what: string;
}

/** What an exploration found. */
export interface Exploration {
  readonly schedules: number;
  /** False when the number of schedules did not suffice. */
  readonly complete: boolean;
  /** Whether schedules with more preemptions than allowed were left out. */
  readonly pruned: boolean;
  readonly violation: Violation | undefined;
}

/** One schedule, and where others branch off. */
export interface Run {
  readonly choices: readonly number[];
  /** What else could have been chosen at each choice. */
  readonly alternatives: readonly (readonly number[])[];
  /** Whether another choice would have stopped an operation that could go on. */
  readonly preemptive: readonly boolean[];
  /** Preemptions before each choice. */
  readonly preemptions: readonly number[];
  readonly end: End;
}

/** How far an exploration goes. */
export interface Bounds {
  readonly schedules: number;
  /** How often an operation that could go on may be stopped for another; unlimited unless given. */
  readonly preemptions?: number;
}

/** Tries schedules until all within the bounds are done or one violates. */
export function explore(meeting: Meeting, bounds: Bounds): Exploration {
  const pending: (readonly number[])[] = [[]];
  let schedules = 0;
  let pruned = false;
  for (let prefix = pending.pop(); prefix !== undefined; prefix = pending.pop()) {
    if (schedules === bounds.schedules) return { schedules, complete: false, pruned, violation: undefined };
    const run = runSchedule(meeting, prefix);
    schedules += 1;
    const what = faultIn(meeting, run);
    if (what !== undefined) {
      const violation = { replay: replayOf(meeting, run), what };
      return { schedules, complete: false, pruned, violation };
    }
    for (let at = prefix.length; at < run.choices.length; at += 1) {
      const others = run.alternatives[at] ?? [];
      const spent = run.preemptions[at] ?? 0;
      if (run.preemptive[at] === true && spent >= (bounds.preemptions ?? Infinity)) {
        pruned ||= others.length > 0;
        continue;
      }
      for (const other of others) pending.push([...run.choices.slice(0, at), other]);
    }
  }
  return { schedules, complete: true, pruned, violation: undefined };
}

/** Says what is wrong with the end of a run, if anything. */
export function faultIn(meeting: Meeting, { end }: Run): string | undefined {
  if (end.kind === 'fault') return end.what;
  if (meeting.allowed.has(end.text)) return undefined;
  return `ends as no order allows:\n${end.text}\ninstead of\n${[...meeting.allowed].join('\nor\n')}`;
}

function replayOf({ names }: Meeting, { choices }: Run): string {
  return `${names.join(' | ')} @ ${choices.join('')}`;
}

/** Takes a replay id apart. */
export function parseReplay(id: string): { readonly names: string[]; readonly choices: number[] } {
  const [names = '', choices = ''] = id.split(' @ ');
  return { names: names.split(' | '), choices: Array.from(choices, Number) };
}

/** All orders of `count` operations, by number. */
export function ordersOf(count: number): number[][] {
  const permutations = (items: readonly number[]): number[][] =>
    items.length <= 1
      ? [[...items]]
      : items.flatMap((first) =>
          permutations(items.filter((item) => item !== first)).map((rest) => [first, ...rest]),
        );
  return permutations(Array.from({ length: count }, (_, number) => number));
}

/** Follows the choices given, then lets the same operation go on as long as it can, or keeps to `order`. */
export function runSchedule(
  meeting: Pick<Meeting, 'begin'>,
  prefix: readonly number[],
  order?: readonly number[],
): Run {
  const encounter = meeting.begin();
  const scheduler = new Scheduler();
  const jobs = encounter.operations.map((start) => scheduler.start(start));
  const choices: number[] = [];
  const alternatives: number[][] = [];
  const preemptive: boolean[] = [];
  const preemptions: number[] = [];
  let spent = 0;
  let current = -1;
  const ended = (end: End): Run => ({ choices, alternatives, preemptive, preemptions, end });
  while (!scheduler.idle) {
    if (choices.length > STEP_LIMIT) return ended({ kind: 'fault', what: 'comes to no end' });
    const runnable = scheduler.runnable();
    const first = runnable[0];
    if (first === undefined) return ended({ kind: 'fault', what: 'operations wait for one another' });
    const alone = runnable.find((number) => isUnseen(scheduler, number));
    const wanted = order?.find((number) => runnable.includes(number));
    const onwards = runnable.includes(current) ? current : first;
    const choice = prefix[choices.length] ?? wanted ?? alone ?? onwards;
    alternatives.push(alone === undefined ? runnable.filter((number) => number !== choice) : []);
    const couldGoOn = runnable.includes(current);
    preemptive.push(couldGoOn && choice === current);
    preemptions.push(spent);
    if (couldGoOn && choice !== current) spent += 1;
    choices.push(choice);
    current = choice;
    scheduler.step(choice);
  }
  const fault = faultOf(jobs);
  return ended(fault === undefined ? encounter.end(jobs) : { kind: 'fault', what: fault });
}

function isUnseen(scheduler: Scheduler, number: number): boolean {
  const step = scheduler.nextStep(number);
  return step?.kind === 'access' && step.unseen;
}

function faultOf(jobs: readonly Job[]): string | undefined {
  for (const { outcome } of jobs) {
    if (outcome?.kind !== 'failed' || outcome.error instanceof FsError) continue;
    const { error } = outcome;
    return error instanceof Error ? (error.stack ?? error.message) : 'unknown error';
  }
  return undefined;
}

/** How an operation ended, as a word. */
export function outcomeOf({ outcome }: Job): string {
  if (outcome?.kind === 'failed') return outcome.error instanceof FsError ? outcome.error.code : 'error';
  const value = outcome?.value;
  return typeof value === 'boolean' || Array.isArray(value) ? JSON.stringify(value) : 'done';
}
