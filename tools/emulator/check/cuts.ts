/**
 * The power-cut proof: after a cut at any flash operation of first boot, reset or upgrade, and after a second one during the
 * recovery from it, the next boot ends in the old state, the new one, or a clean one.
 *
 * What a boot makes of a chip depends on its bytes alone, so chips of the same content are judged once; cuts and distinct
 * states are counted apart.
 */
import { FormatError } from '../../core/index.js';
import { contentKey, FlashError, type NorChip } from '../../flash/index.js';
import { FsError } from '../../vfs/index.js';
import type { Device } from '../device/device.js';
import { cutOutcomes, type CutOutcome, type CutPhase, type Flow, type Verdict } from './cut-flows.js';
import type { CheckSubject } from './subject.js';
import { chipAfterCut, recordOperations } from '../device/power-cuts.js';
import {
  chooseCuts,
  chooseRecoveries,
  chooseSecondCuts,
  formatCutPoint,
  type CutPoint,
} from './cut-points.js';

/** Outcomes of one phase: of cuts in the flow itself, or of second cuts during the recovery from one of those. */
export interface CutTable {
  readonly phase: CutPhase;
  readonly during: 'flow' | 'recovery';
  /** Flash operations of the uncut flow, or of all recoveries that were cut. */
  readonly operations: number;
  readonly cuts: number;
  /** Distinct contents of the chip that the cuts left. */
  readonly states: number;
  readonly outcomes: Readonly<Record<CutOutcome, number>>;
  /** Replay id and reason of each violation. */
  readonly violations: readonly { readonly replay: string; readonly reason: string }[];
}

/** A table in the making, or a share of one: its states are still told apart. */
export interface CutTally extends Omit<CutTable, 'states'> {
  readonly states: readonly string[];
}

/** What a sweep is asked for. */
export interface CutSweepOptions {
  readonly mode: 'sample' | 'all';
  readonly sampleSize?: number;
  /** Only the cuts of one share of each phase, which follow each other. */
  readonly share?: number;
  readonly shares?: number;
  /** Called after each cut and awaited: the place to show progress, and to throw when the user cancels. */
  readonly onCut?: (done: number, total: number, phase: CutPhase) => Promise<void>;
}

/** Cuts the power in flows that ran before, and tells how each boot after it ends. */
export class CutSweep {
  readonly #flows: readonly FlowSweep[];

  constructor(subject: CheckSubject, flows: readonly Flow[]) {
    this.#flows = flows.map((flow) => new FlowSweep(subject, flow));
  }

  /** Makes the cuts of a share; all, when none is named. */
  async share(options: CutSweepOptions): Promise<readonly CutTally[]> {
    const tallies: CutTally[] = [];
    for (const flow of this.#flows) tallies.push(...(await flow.share(options)));
    return tallies;
  }

  /**
   * Makes one cut.
   *
   * @throws FormatError FW_EMULATOR_REPLAY when its flow has no such operation
   */
  replay(cut: CutPoint): CutTally {
    const flow = this.#flows.find(({ phase }) => phase === cut.phase);
    const tally = flow?.replay(cut);
    if (tally) return tally;
    throw new FormatError('FW_EMULATOR_REPLAY', `no such power cut on this image: ${formatCutPoint(cut)}`, {
      hint: 'replay ids hold for the image, board and options of the report that names them',
    });
  }
}

/** Adds up the shares of one sweep, in their order. */
export function tablesOf(shares: readonly (readonly CutTally[])[]): readonly CutTable[] {
  const [first = [], ...others] = shares;
  return first.map((tally, index) => {
    const outcomes = { ...tally.outcomes };
    const violations = [...tally.violations];
    const states = new Set(tally.states);
    let { cuts, operations } = tally;
    for (const share of others) {
      const other = share[index];
      if (!other) continue;
      cuts += other.cuts;
      if (tally.during === 'recovery') operations += other.operations;
      violations.push(...other.violations);
      for (const state of other.states) states.add(state);
      for (const name of cutOutcomes) outcomes[name] += other.outcomes[name];
    }
    return { ...tally, operations, cuts, outcomes, violations, states: states.size };
  });
}

/** The sweep of one flow, which remembers the verdict of every state it met. */
class FlowSweep {
  readonly #subject: CheckSubject;
  readonly #flow: Flow;
  readonly #verdicts = new Map<string, Verdict>();

  constructor(subject: CheckSubject, flow: Flow) {
    this.#subject = subject;
    this.#flow = flow;
  }

  get phase(): CutPhase {
    return this.#flow.phase;
  }

  async share(options: CutSweepOptions): Promise<readonly CutTally[]> {
    const { share = 0, shares = 1, mode, sampleSize, onCut } = options;
    const { phase, chip, recorded } = this.#flow;
    const chosen = chooseCuts(phase, recorded, mode, sampleSize);
    const recoveries = chooseRecoveries(phase, chosen.length, mode, sampleSize);
    const first = new Tally(phase, 'flow', recorded.length);
    const second = new Tally(phase, 'recovery', 0);
    const from = Math.floor((chosen.length * share) / shares);
    const to = Math.floor((chosen.length * (share + 1)) / shares);
    for (const [index, { cut, recorded: operation }] of chosen.slice(from, to).entries()) {
      const state = chipAfterCut(chip, operation, cut.tear);
      this.#judge(state, cut, first);
      if (recoveries.has(from + index)) this.#cutRecovery(state, cut, second, mode);
      await onCut?.(index + 1, to - from, phase);
    }
    return [first.result(), second.result()];
  }

  replay(cut: CutPoint): CutTally | undefined {
    const { phase, chip, recorded } = this.#flow;
    const operation = recorded[cut.operation];
    if (!operation) return undefined;
    const state = chipAfterCut(chip, operation, cut.tear);
    const { again } = cut;
    if (!again) {
      const tally = new Tally(phase, 'flow', recorded.length);
      this.#judge(state, cut, tally);
      return tally.result();
    }
    const recovery = this.#recovery(state);
    const second = recovery[again.operation];
    if (!second) return undefined;
    const tally = new Tally(phase, 'recovery', recovery.length);
    this.#judge(chipAfterCut(state, second, again.tear), cut, tally);
    return tally.result();
  }

  /** Looks at what a cut left; the chip stays as it is. */
  #judge(chip: NorChip, cut: CutPoint, tally: Tally): void {
    const key = contentKey(chip);
    let verdict = this.#verdicts.get(key);
    if (!verdict) {
      verdict = this.#verdictOn(this.#subject.deviceOn(chip.fork()));
      this.#verdicts.set(key, verdict);
    }
    tally.add(key, verdict, cut);
  }

  /** Cuts the recovery from a cut. */
  #cutRecovery(chip: NorChip, cut: CutPoint, tally: Tally, mode: 'sample' | 'all'): void {
    const recovery = this.#recovery(chip);
    tally.operations += recovery.length;
    for (const again of chooseSecondCuts(cut, recovery.length, mode)) {
      const operation = recovery[again.operation];
      if (operation) this.#judge(chipAfterCut(chip, operation, again.tear), { ...cut, again }, tally);
    }
  }

  /** What the device does when the power comes back, up to the verdict: it boots, and is flashed again where it does not. */
  #recovery(chip: NorChip): ReturnType<typeof recordOperations> {
    const device = this.#subject.deviceOn(chip.fork());
    return recordOperations(device.chip, () => this.#verdictOn(device));
  }

  /** An operation that the device refuses is an outcome, not a fault of this program. */
  #verdictOn(device: Device): Verdict {
    try {
      return this.#flow.judge(device);
    } catch (error) {
      if (error instanceof FlashError || error instanceof FsError)
        return { outcome: 'violation', reason: error.message };
      throw error;
    }
  }
}

/** Counts outcomes. */
class Tally {
  operations: number;
  readonly #phase: CutPhase;
  readonly #during: CutTable['during'];
  readonly #states = new Set<string>();
  readonly #outcomes = Object.fromEntries(cutOutcomes.map((name) => [name, 0])) as Record<CutOutcome, number>;
  readonly #violations: CutTable['violations'][number][] = [];
  #cuts = 0;

  constructor(phase: CutPhase, during: CutTable['during'], operations: number) {
    this.#phase = phase;
    this.#during = during;
    this.operations = operations;
  }

  add(state: string, { outcome, reason }: Verdict, cut: CutPoint): void {
    this.#cuts += 1;
    this.#states.add(state);
    this.#outcomes[outcome] += 1;
    if (outcome === 'violation') this.#violations.push({ replay: formatCutPoint(cut), reason });
  }

  result(): CutTally {
    return {
      phase: this.#phase,
      during: this.#during,
      operations: this.operations,
      cuts: this.#cuts,
      states: [...this.#states],
      outcomes: this.#outcomes,
      violations: this.#violations,
    };
  }
}
