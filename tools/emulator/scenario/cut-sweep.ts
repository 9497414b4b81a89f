/** Sweeps the power cuts of a scenario, in this process or spread over several. */
import { moduleUrl } from '../../core/index.js';
import type { DoShare } from '../../flash/index.js';
import type { CutPoint } from '../power-cuts/cut-points.js';
import { spreadCuts, type CutShare, type SweptCuts } from '../power-cuts/shares.js';
import type { CutSweepOptions } from '../power-cuts/sweep.js';
import { tablesOf } from '../power-cuts/table.js';
import { ScenarioCuts, type CutScenario } from './cuts.js';

/** What is to be cut, and how. */
export interface ScenarioCutOptions extends Pick<CutSweepOptions, 'mode' | 'sampleSize' | 'onCut'> {
  /** One cut only. */
  readonly replay?: CutPoint | undefined;
  /** Sweep with so many processes, in shares; absent: in this process, cut after cut. */
  readonly jobs?: number | undefined;
  /** Called after each share. */
  readonly onShare?: (done: number, total: number) => void;
  /** Stops a sweep in shares. */
  readonly signal?: AbortSignal;
}

interface ShareInput extends CutScenario {
  readonly mode: 'sample' | 'all';
  readonly sampleSize: number | undefined;
}

/**
 * Cuts the power at flash operations of each step of a scenario that changes the flash, and during recovery.
 *
 * The scenario is one that passes without a cut. After a cut the device boots and must be as before the step, as after it, or as
 * a first boot leaves it; what a user was doing with files may be half done. Steps `flash` are not cut.
 *
 * @returns a table for each step and its recoveries; findings of the boots after cuts
 * @throws FormatError FW_EMULATOR_REPLAY when there is no such cut to replay; the signal's reason when it aborts
 */
export async function cutScenario(scenario: CutScenario, options: ScenarioCutOptions): Promise<SweptCuts> {
  const { mode, sampleSize, replay, jobs, onCut, onShare, signal } = options;
  if (replay || jobs === undefined) {
    const cuts = new ScenarioCuts(scenario);
    const how = { mode, ...(sampleSize === undefined ? {} : { sampleSize }), ...(onCut ? { onCut } : {}) };
    const tallies = replay ? [cuts.replay(replay)] : await cuts.share(how);
    return { tables: tablesOf([tallies]), findings: cuts.findings() };
  }
  const input: ShareInput = { ...scenario, mode, sampleSize };
  return spreadCuts({
    source: { module: moduleUrl('emulator/scenario/cut-sweep'), name: 'cutShares', input },
    jobs,
    onShare,
    signal,
  });
}

/** What each process does; `input` is a `ShareInput`. */
export function cutShares({ mode, sampleSize, ...scenario }: ShareInput): DoShare {
  const cuts = new ScenarioCuts(scenario);
  return async (share, shares): Promise<CutShare> => {
    const options = { mode, share, shares, ...(sampleSize === undefined ? {} : { sampleSize }) };
    return { tallies: await cuts.share(options), findings: cuts.findings() };
  };
}
