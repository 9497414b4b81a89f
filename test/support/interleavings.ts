/**
 * Explorer of interleavings: runs operations of a union in every order of their steps and compares each end with the
 * ends that doing them one after the other gives.
 *
 * A step on an object that nobody else knows (`work`, `copy`) commutes with everything, so it is never a branch. A
 * replay id names the scene, the operations and the choices.
 */
import { Scheduler } from '../../tools/union/index.js';
import type { Job, Safeguard, UnionPolicy } from '../../tools/union/index.js';
import { FsError } from '../../tools/vfs/index.js';
import { mountScene, viewOf } from './union-scenes.js';
import type { Scene, SceneOperation } from './union-scenes.js';
import { strayIn } from './unions.js';

/** Operations that meet, and where. */
export interface Meeting {
  readonly scene: Scene;
  readonly policy: UnionPolicy;
  readonly operations: readonly SceneOperation[];
  readonly sabotage?: readonly Safeguard[];
}

/** One run that did not end as it may. */
export interface Violation {
  readonly replay: string;
  readonly what: string;
}

/** What an exploration found. */
export interface Exploration {
  readonly schedules: number;
  readonly complete: boolean;
  readonly violation: Violation | undefined;
}

interface Run {
  readonly choices: readonly number[];
  /** What else could have been chosen at each choice. */
  readonly alternatives: readonly (readonly number[])[];
  /** Whether another choice would have stopped an operation that could go on. */
  readonly preemptive: readonly boolean[];
  /** Preemptions before each choice. */
  readonly preemptions: readonly number[];
  readonly end: string;
  readonly fault: string | undefined;
}

/** How far an exploration goes. */
export interface Bounds {
  readonly schedules: number;
  /** How often an operation that could go on may be stopped for another; unlimited unless given. */
  readonly preemptions?: number;
}

/** Tries schedules until all within the bounds are done or one violates. */
export function explore(meeting: Meeting, bounds: Bounds): Exploration {
  const allowed = sequentialEnds(meeting);
  const pending: (readonly number[])[] = [[]];
  let schedules = 0;
  for (let prefix = pending.pop(); prefix !== undefined; prefix = pending.pop()) {
    if (schedules === bounds.schedules) return { schedules, complete: false, violation: undefined };
    const run = runSchedule(meeting, prefix);
    schedules += 1;
    const what = run.fault ?? (allowed.has(run.end) ? undefined : `ends as no order allows:\n${run.end}`);
    if (what !== undefined) {
      const names = meeting.operations.map((operation) => operation.name).join(' | ');
      return {
        schedules,
        complete: false,
        violation: { replay: `${names} @ ${run.choices.join('')}`, what },
      };
    }
    for (let at = prefix.length; at < run.choices.length; at += 1) {
      const spent = run.preemptions[at] ?? 0;
      if (run.preemptive[at] === true && spent >= (bounds.preemptions ?? Infinity)) continue;
      for (const other of run.alternatives[at] ?? []) pending.push([...run.choices.slice(0, at), other]);
    }
  }
  return { schedules, complete: true, violation: undefined };
}

/** The ends of doing the operations one after the other, in every order, with all safeguards. */
function sequentialEnds(meeting: Meeting): Set<string> {
  const ends = new Set<string>();
  const honest: Meeting = { ...meeting, sabotage: [] };
  for (const order of permutations(meeting.operations.map((_, number) => number))) {
    ends.add(runSchedule(honest, [], order).end);
  }
  return ends;
}

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((first) =>
    permutations(items.filter((item) => item !== first)).map((rest) => [first, ...rest]),
  );
}

/** Follows the choices given, then lets the same operation go on as long as it can. */
export function runSchedule(meeting: Meeting, prefix: readonly number[], order?: readonly number[]): Run {
  const store = meeting.scene.store.clone();
  const union = mountScene(meeting.scene, store, meeting.policy, meeting.sabotage);
  const starts = meeting.operations.map((operation) => operation.prepare(union));
  const scheduler = new Scheduler();
  const jobs = starts.map((start) => scheduler.start(start));
  const choices: number[] = [];
  const alternatives: number[][] = [];
  const preemptive: boolean[] = [];
  const preemptions: number[] = [];
  let spent = 0;
  let current = -1;
  const ended = (end: string, fault?: string): Run => ({
    choices,
    alternatives,
    preemptive,
    preemptions,
    end,
    fault,
  });
  while (!scheduler.idle) {
    const runnable = scheduler.runnable();
    const first = runnable[0];
    if (first === undefined) return ended('', 'operations wait for one another');
    const alone = runnable.find((number) => isPrivate(scheduler, number));
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
  if (fault !== undefined) return ended('', fault);
  let view: string;
  try {
    view = viewOf(union);
  } catch (error) {
    if (error instanceof FsError) return ended('', `the tree cannot be read: ${error.message}`);
    throw error;
  }
  const stray = strayIn(store);
  if (stray.length > 0) return ended('', `stray files: ${stray.join(' ')}`);
  union.unmount();
  const again = viewOf(mountScene(meeting.scene, store, meeting.policy));
  if (again !== view) {
    return ended('', `another mount shows\n${again}\ninstead of\n${view}`);
  }
  return ended(`${jobs.map(outcomeOf).join(' ; ')}\n${view}`);
}

function isPrivate(scheduler: Scheduler, number: number): boolean {
  const kind = scheduler.nextStep(number)?.kind;
  return kind === 'work' || kind === 'copy';
}

function faultOf(jobs: readonly Job[]): string | undefined {
  for (const { outcome } of jobs) {
    if (outcome?.kind === 'failed' && !(outcome.error instanceof FsError)) {
      return outcome.error instanceof Error
        ? (outcome.error.stack ?? outcome.error.message)
        : 'unknown error';
    }
  }
  return undefined;
}

function outcomeOf({ outcome }: Job): string {
  if (outcome?.kind === 'failed') return outcome.error instanceof FsError ? outcome.error.code : 'error';
  const value = outcome?.value;
  return typeof value === 'boolean' || Array.isArray(value) ? JSON.stringify(value) : 'done';
}
