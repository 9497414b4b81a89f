/**
 * Cuts the power in flows that ran once, at any of their flash operations and during the recovery from such a cut, and tells
 * how each boot after it ends.
 *
 * What a boot makes of a chip depends on its bytes alone, so chips of the same content are judged once; cuts and distinct
 * states are counted apart.
 */
import { FormatError, InternalError } from '../../core/index.js';
import { contentKey, FlashError, type NorChip } from '../../flash/index.js';
import { FsError } from '../../vfs/index.js';
import {
  chooseCuts,
  chooseRecoveries,
  chooseSecondCuts,
  formatCutPoint,
  type CutPoint,
} from './cut-points.js';
import { chipAfter, type Flow, type Verdict } from './flow.js';
import { chipAfterCut, recordOperations, type Recording } from '../device/cut-recording.js';
import { Tally, type CutTally } from './table.js';

/** What a sweep is asked for. */
export interface CutSweepOptions {
  readonly mode: 'sample' | 'all';
  /** Cuts of each phase in a sample, and about as many during recovery; default 60. */
  readonly sampleSize?: number;
  /** Only the cuts of one share of each phase, which follow each other. */
  readonly share?: number;
  readonly shares?: number;
  /** Called after each cut and awaited: the place to show progress, and to throw when the user cancels. */
  readonly onCut?: (done: number, total: number, phase: string) => Promise<void>;
}

/** A cut of a sweep. */
interface ChosenCut {
  readonly cut: CutPoint;
  /** The recovery from it is cut as well. */
  readonly again: boolean;
}

/**
 * Chooses the cuts of a share of a phase.
 *
 * @param operations  flash operations of the phase
 */
export function chooseShare(
  phase: string,
  operations: number,
  { mode, sampleSize, share = 0, shares = 1 }: CutSweepOptions,
): readonly ChosenCut[] {
  const chosen = chooseCuts(phase, operations, mode, sampleSize);
  const recoveries = chooseRecoveries(phase, chosen.length, mode, sampleSize);
  const from = Math.floor((chosen.length * share) / shares);
  const to = Math.floor((chosen.length * (share + 1)) / shares);
  return chosen.slice(from, to).map((cut, index) => ({ cut, again: recoveries.has(from + index) }));
}

/** Cuts the power in several flows. */
export class CutSweep {
  readonly #flows: readonly FlowSweep[];

  constructor(flows: readonly Flow[]) {
    this.#flows = flows.map((flow) => new FlowSweep(flow));
  }

  /** Makes the cuts of a share; all, when none is named. */
  async share(options: CutSweepOptions): Promise<readonly CutTally[]> {
    const tallies: CutTally[] = [];
    for (const flow of this.#flows) tallies.push(...(await flow.share(options)));
    return tallies;
  }

  /** Makes one cut. @throws FormatError FW_EMULATOR_REPLAY when there is no such flow or operation */
  replay(cut: CutPoint): CutTally {
    const flow = this.#flows.find(({ phase }) => phase === cut.phase);
    if (!flow) throw noSuchCut(cut);
    return flow.replay(cut);
  }
}

/** The error for the name of a cut that is not there. */
export function noSuchCut(cut: CutPoint): FormatError {
  return new FormatError('FW_EMULATOR_REPLAY', `no such power cut on this image: ${formatCutPoint(cut)}`, {
    hint: 'replay ids hold for the image, board and options of the report that names them',
  });
}

/** The sweep of one flow. */
export class FlowSweep {
  readonly #flow: Flow;
  readonly #verdicts: Map<string, Verdict>;

  /** @param verdicts  of states that were met before in the same flow; grows */
  constructor(flow: Flow, verdicts = new Map<string, Verdict>()) {
    this.#flow = flow;
    this.#verdicts = verdicts;
  }

  get phase(): string {
    return this.#flow.phase;
  }

  /** Makes the cuts of a share: two tallies, of the flow and of the recoveries. */
  async share(options: CutSweepOptions): Promise<readonly CutTally[]> {
    const { phase, recording } = this.#flow;
    const chosen = chooseShare(phase, recording.count, options);
    const first = new Tally(phase, 'flow', recording.count);
    const second = new Tally(phase, 'recovery', 0);
    for (const [index, { cut, again }] of chosen.entries()) {
      const state = chipAfter(this.#flow, cut.operation, cut.tear);
      if (!state) throw new InternalError(`operation ${cut.operation} of ${phase} was not kept`);
      this.#judge(state, cut, first);
      if (again) this.#cutRecovery(state, cut, second, options.mode);
      await options.onCut?.(index + 1, chosen.length, phase);
    }
    return [first.result(), second.result()];
  }

  /**
   * Makes one cut.
   *
   * @throws FormatError FW_EMULATOR_REPLAY when the flow, or the recovery, has no such operation
   */
  replay(cut: CutPoint): CutTally {
    const { phase, recording } = this.#flow;
    const state = chipAfter(this.#flow, cut.operation, cut.tear);
    if (!state) throw noSuchCut(cut);
    const { again } = cut;
    if (!again) {
      const tally = new Tally(phase, 'flow', recording.count);
      this.#judge(state, cut, tally);
      return tally.result();
    }
    const recovery = this.#recovery(state, cut);
    const second = recovery.kept.get(again.operation);
    if (!second) throw noSuchCut(cut);
    const tally = new Tally(phase, 'recovery', recovery.count);
    this.#judge(chipAfterCut(state, second, again.tear), cut, tally);
    return tally.result();
  }

  /** Looks at what a cut left; the chip stays as it is. */
  #judge(chip: NorChip, cut: CutPoint, tally: Tally): void {
    const key = contentKey(chip) + (this.#flow.besides?.(cut.operation) ?? '');
    let verdict = this.#verdicts.get(key);
    if (!verdict) {
      verdict = this.#verdictOn(chip.fork(), cut);
      this.#verdicts.set(key, verdict);
    }
    tally.add(key, verdict, cut);
  }

  /** Cuts the recovery from a cut. */
  #cutRecovery(chip: NorChip, cut: CutPoint, tally: Tally, mode: 'sample' | 'all'): void {
    const recovery = this.#recovery(chip, cut);
    tally.operations += recovery.count;
    for (const again of chooseSecondCuts(cut, recovery.count, mode)) {
      const operation = recovery.kept.get(again.operation);
      if (operation) this.#judge(chipAfterCut(chip, operation, again.tear), { ...cut, again }, tally);
    }
  }

  /** What the device does when the power comes back, up to the verdict: it boots, and is flashed again where it does not. */
  #recovery(chip: NorChip, cut: CutPoint): Recording {
    const fork = chip.fork();
    return recordOperations(fork, () => this.#verdictOn(fork, cut));
  }

  /** An operation that the device refuses is an outcome, not a fault of this program. */
  #verdictOn(chip: NorChip, { operation }: CutPoint): Verdict {
    try {
      return this.#flow.judge(this.#flow.deviceOn(chip, operation));
    } catch (error) {
      if (error instanceof FlashError || error instanceof FsError)
        return { outcome: 'violation', reason: error.message };
      throw error;
    }
  }
}
