/**
 * The step `together`: operations in flight at one time, in one or in many orders, each from the same state.
 *
 * An order is tried on a fork of the device first. What it must leave is demanded there, and that the flash, mounted
 * anew, shows the same tree; after a power cut, that the device boots. Then the first order is run on the device itself.
 */
import { seededRandom } from '../../core/index.js';
import { PowerCut } from '../../flash/index.js';
import { boot } from '../boot/boot.js';
import { mountAgain } from '../boot/mount-root.js';
import { planCutAt } from '../device/cut-recording.js';
import type { Device } from '../device/device.js';
import type { RunningSystem } from '../device/system.js';
import { runTogether, type TogetherReport } from '../device/together.js';
import { userOperation, type UserOperation } from '../device/user-operations.js';
import { digestDifferences, digestTree } from '../tree-digest.js';
import { checkExpectation, type ScenarioState } from './expectations.js';
import type { TogetherArguments } from './schema.js';
import { operationOfStep, operationText } from './user-steps.js';

/** What the orders that were tried showed. */
export interface TogetherOutcome {
  /** Of the first order that did not end as it must. */
  readonly problems: readonly string[];
  /** Its seed. */
  readonly failedSeed?: number;
  /** Orders, and how many of them were different. */
  readonly schedules: number;
  readonly different: number;
}

/** A step `together` on a running system. */
export class Together {
  readonly #system: RunningSystem;
  readonly #args: TogetherArguments;
  readonly #operations: readonly UserOperation[];
  readonly #seeds: readonly number[];

  /** @param seed  only this order, whatever the step says */
  constructor(system: RunningSystem, args: TogetherArguments, seed?: number) {
    this.#system = system;
    this.#args = args;
    this.#operations = args.operations.map(operationOfStep);
    const first = seed ?? args.seed ?? 1;
    const count = seed === undefined ? (args.explore ?? 1) : 1;
    this.#seeds = Array.from({ length: count }, (_, index) => first + index);
  }

  /** Tries all orders on forks of the device. */
  explore(state: ScenarioState): TogetherOutcome {
    const orders = new Set<string>();
    let tried = 0;
    for (const seed of this.#seeds) {
      const { problems, order } = this.#try(seed, state);
      orders.add(order.join(' '));
      tried += 1;
      if (problems.length > 0)
        return { problems, failedSeed: seed, schedules: tried, different: orders.size };
    }
    return { problems: [], schedules: tried, different: orders.size };
  }

  /** Runs the first order on the device itself; returns the system that is mounted then. @throws PowerCut */
  run(): RunningSystem {
    const [seed = 1] = this.#seeds;
    const { device } = this.#system;
    // Mounted anew as the forks are, so that the same flash operations follow.
    const system = mountAgain(this.#system, device) ?? this.#system;
    this.#plan(device, seed);
    this.#meet(system, seed);
    return system;
  }

  #try(
    seed: number,
    state: ScenarioState,
  ): { readonly problems: readonly string[]; readonly order: readonly number[] } {
    const device = this.#system.device.fork();
    const system = mountAgain(this.#system, device);
    if (!system) return { problems: ['the flash does not mount'], order: [] };
    this.#plan(device, seed);
    try {
      const { answers, order } = this.#meet(system, seed);
      if (this.#args.cut)
        return { problems: ['power cut: expected, found that fewer flash operations were done'], order };
      const refused = answers.flatMap((answer, number) => {
        const operation = this.#operations[number];
        if (!operation || answer === 'done' || this.#args.mayFail?.includes(answer)) return [];
        return [`${operationText(operation)}: expected done, found ${answer}`];
      });
      const after = { ...state, device, last: { kind: 'running', system } } as const;
      return { problems: [...refused, ...this.#expected(after), ...shownAgain(system)], order };
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      return { problems: this.#expected({ ...state, device, last: boot(device) }), order: [seed] };
    } finally {
      device.chip.observer = undefined;
    }
  }

  #meet(system: RunningSystem, seed: number): TogetherReport {
    return runTogether(
      this.#operations.map((operation) => userOperation(system, operation)),
      seed,
    );
  }

  /** Plans the cut that is asked for; without an operation named, the seed chooses one. */
  #plan(device: Device, seed: number): void {
    const { cut } = this.#args;
    if (!cut) return;
    const operation = cut.operation ?? 1 + seededRandom(seed).below(this.#countOperations(seed));
    planCutAt(device.chip, operation, cut.tear ?? 'half');
  }

  /** Flash operations of an order without a cut; at least 1. */
  #countOperations(seed: number): number {
    const device = this.#system.device.fork();
    const system = mountAgain(this.#system, device);
    let count = 0;
    device.chip.observer = () => (count += 1);
    if (system) this.#meet(system, seed);
    return Math.max(1, count);
  }

  /** What is expected, and, where several ends may be, that one of them is there. */
  #expected(state: ScenarioState): readonly string[] {
    const { expect, oneOf } = this.#args;
    const problems = expect ? [...checkExpectation(expect, state)] : [];
    if (state.last?.kind === 'no-boot') problems.push(`expected a boot, found ${state.last.reason}`);
    const ends = (oneOf ?? []).map((end) => checkExpectation(end, state));
    if (ends.length > 0 && ends.every((found) => found.length > 0))
      problems.push(...ends.map((found, index) => `oneOf ${index + 1}: ${found.join('; ')}`));
    return problems;
  }
}

/** The same tree from the flash alone: nothing of what was answered is only in memory. */
function shownAgain(system: RunningSystem): readonly string[] {
  const again = mountAgain(system, system.device.fork());
  if (!again) return ['mounted anew: expected the same tree, found that the flash does not mount'];
  const shown = digestTree(system.root, system.root.root);
  const differences = digestDifferences(shown, digestTree(again.root, again.root.root));
  return differences.map((difference) => `mounted anew: ${difference}`);
}
