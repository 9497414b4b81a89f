/**
 * Cuts the power at every flash operation of a workload, in several ways, and asks the caller what is left.
 *
 * The workload runs once and its operations are recorded; the chip is then led through them operation by operation, and every
 * cut starts from a snapshot, so that no prefix is ever run again. What runs on a device must depend on its chip alone
 * (same chip, same operations), or replay ids mean nothing.
 */
import { InternalError } from '../core/index.js';
import { PowerCut } from './errors.js';
import type { PowerCutPlan } from './faults.js';
import type { NorChip } from './nor-chip.js';

/** Work on a chip. It calls `mark` when a step is over; steps are counted from 0. */
export type ChipWorkload = (chip: NorChip, mark: (step: string) => void) => void;

/** What the check is told of one cut. */
export interface CutState {
  /** The chip as the power comes back; the check may change it. */
  readonly chip: NorChip;
  /** Steps that were over before the cut. */
  readonly stepsDone: number;
  /** Operation during or after which the power failed, counted from the start of the workload. */
  readonly operation: number;
  /** True for a cut during recovery from another cut. */
  readonly duringRecovery: boolean;
  readonly replayId: string;
}

/** What to explore. */
export interface ExploreOptions {
  /** The chip as the workload finds it; not changed. */
  readonly chip: NorChip;
  readonly workload: ChipWorkload;
  /** Looks at a chip after a cut; gives a word for what it found, to be counted; throws when that must not be. */
  readonly check: (state: CutState) => string;
  /** What a device does when the power comes back, for cuts during recovery (depth 2). */
  readonly recover?: (chip: NorChip) => void;
  /** 1 (default): one cut; 2: also a second one, at every operation of `recover`. */
  readonly depth?: 1 | 2;
  /** Seeded subsets of bits tried inside each operation; default 1. */
  readonly bitSubsets?: number;
  /** Operations to cut at: from `first`, `count` of them, every `stride`th; default all. */
  readonly range?: { readonly first?: number; readonly count?: number; readonly stride?: number };
  /** Does this one cut only. */
  readonly replayId?: string;
  /** Stops after so many violations; default 10. */
  readonly violationLimit?: number;
}

/** Something that must not be. */
export interface Violation {
  readonly replayId: string;
  readonly message: string;
}

/** What an exploration found. */
export interface ExploreResult {
  readonly operations: number;
  readonly cuts: number;
  /** How often the check gave each word. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
}

interface Operation {
  readonly kind: 'program' | 'erase';
  readonly offset: number;
  readonly data: Uint8Array;
  readonly length: number;
  readonly stepsDone: number;
}

/**
 * Explores all power cuts of a workload.
 *
 * @throws whatever the workload throws when nothing is cut
 */
export function explorePowerCuts(options: ExploreOptions): ExploreResult {
  const explorer = new Explorer(options);
  explorer.run();
  return explorer.result();
}

class Explorer {
  readonly #options: ExploreOptions;
  readonly #outcomes = new Map<string, number>();
  readonly #violations: Violation[] = [];
  #operations = 0;
  #cuts = 0;

  constructor(options: ExploreOptions) {
    this.#options = options;
  }

  run(): void {
    const recorded = record(this.#options.chip, this.#options.workload);
    this.#operations = recorded.operations.length;
    const { first = 0, count = Infinity, stride = 1 } = this.#options.range ?? {};
    const wanted = (index: number): boolean =>
      index >= first && index < first + count && (index - first) % stride === 0;
    this.#walk(this.#options.chip, recorded, '', wanted);
  }

  result(): ExploreResult {
    return {
      operations: this.#operations,
      cuts: this.#cuts,
      outcomes: Object.fromEntries([...this.#outcomes].sort(([a], [b]) => (a < b ? -1 : 1))),
      violations: this.#violations,
    };
  }

  #isFull(): boolean {
    return this.#violations.length >= (this.#options.violationLimit ?? 10);
  }

  /** Leads a chip through operations and cuts at each wanted one. */
  #walk(start: NorChip, recorded: Recording, prefix: string, wanted: (index: number) => boolean): void {
    const chip = start.fork();
    chip.powerOn();
    let stepsBefore = -1;
    for (const [index, operation] of recorded.operations.entries()) {
      if (this.#isFull()) return;
      if (wanted(index)) {
        const snapshot = chip.snapshot();
        for (const plan of this.#plans(operation, operation.stepsDone !== stepsBefore)) {
          const id = `${prefix}${index}:${planText(plan)}`;
          if (this.#isFull() || !this.#isWanted(id)) continue;
          const cut = chip.fork(snapshot);
          carryOut(cut, operation, plan);
          this.#look(cut, { stepsDone: operation.stepsDone, operation: index, id, isSecond: prefix !== '' });
        }
      }
      stepsBefore = operation.stepsDone;
      carryOut(chip, operation, undefined);
    }
  }

  #isWanted(id: string): boolean {
    const only = this.#options.replayId;
    return only === undefined || only === id || only.startsWith(`${id}/`);
  }

  /** The state before an operation is the one after its predecessor; it is new when a step ended between. */
  #plans(operation: Operation, newStep: boolean): PowerCutPlan[] {
    const { length } = operation;
    const at = { operation: 0 };
    const plans: PowerCutPlan[] = newStep ? [{ kind: 'before', ...at }] : [];
    for (const bytes of new Set([1, length >> 1, length - 1]))
      if (bytes > 0 && bytes < length) plans.push({ kind: 'bytes', bytes, ...at });
    for (let seed = 1; seed <= (this.#options.bitSubsets ?? 1); seed += 1)
      plans.push({ kind: 'bits', seed, ...at });
    plans.push({ kind: 'after', ...at });
    return plans;
  }

  #look(
    chip: NorChip,
    cut: {
      readonly stepsDone: number;
      readonly operation: number;
      readonly id: string;
      readonly isSecond: boolean;
    },
  ): void {
    const { recover, depth = 1, replayId } = this.#options;
    const { stepsDone, operation, id, isSecond } = cut;
    chip.powerOn();
    const second = depth === 2 && !isSecond && recover ? chip.fork() : undefined;
    if (replayId === undefined || replayId === id) {
      this.#cuts += 1;
      try {
        const outcome = this.#options.check({
          chip,
          stepsDone,
          operation,
          duringRecovery: isSecond,
          replayId: id,
        });
        this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
      } catch (error) {
        this.#violations.push({
          replayId: id,
          message: error instanceof Error ? error.message : String(error),
        });
      }
    }
    if (!second || !recover) return;
    try {
      const recorded = record(second, (device) => recover(device), stepsDone);
      this.#walk(second, recorded, `${id}/`, () => true);
    } catch (error) {
      this.#violations.push({
        replayId: id,
        message: `recovery: ${error instanceof Error ? error.message : String(error)}`,
      });
    }
  }
}

interface Recording {
  readonly operations: readonly Operation[];
}

/** Runs a workload on a fork of the chip and keeps its operations. */
function record(start: NorChip, workload: ChipWorkload, firstStep = 0): Recording {
  const chip = start.fork();
  chip.powerOn();
  const operations: Operation[] = [];
  let stepsDone = firstStep;
  chip.observer = (operation) => {
    const { offset } = operation;
    const program = operation.kind === 'program';
    const data = program ? operation.data.slice() : new Uint8Array();
    operations.push({
      kind: operation.kind,
      offset,
      data,
      length: program ? data.length : operation.length,
      stepsDone,
    });
  };
  workload(chip, () => {
    stepsDone += 1;
  });
  return { operations };
}

function carryOut(chip: NorChip, operation: Operation, plan: PowerCutPlan | undefined): void {
  chip.planPowerCut(plan);
  try {
    if (operation.kind === 'program') chip.program(operation.offset, operation.data);
    else chip.erase(operation.offset);
  } catch (error) {
    if (plan && error instanceof PowerCut) return;
    throw error;
  }
  if (plan) throw new InternalError('a planned power cut did not happen');
}

function planText(plan: PowerCutPlan): string {
  switch (plan.kind) {
    case 'bytes':
      return `bytes-${plan.bytes}`;
    case 'bits':
      return `bits-${plan.seed}`;
    default:
      return plan.kind;
  }
}

/** Adds up results of explorations of parts of one workload. */
export function mergeExplorations(results: readonly ExploreResult[]): ExploreResult {
  const outcomes = new Map<string, number>();
  for (const result of results)
    for (const [outcome, count] of Object.entries(result.outcomes))
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count);
  return {
    operations: Math.max(0, ...results.map((result) => result.operations)),
    cuts: results.reduce((sum, result) => sum + result.cuts, 0),
    outcomes: Object.fromEntries([...outcomes].sort(([a], [b]) => (a < b ? -1 : 1))),
    violations: results.flatMap((result) => result.violations),
  };
}
