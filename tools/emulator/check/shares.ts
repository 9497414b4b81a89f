/** The power cuts of a check, spread over processes. */
import { createHash } from 'node:crypto';
import { moduleUrl } from '../../core/index.js';
import type { DoShare } from '../../flash/index.js';
import { spreadCuts, type CutShare, type SweptCuts } from '../power-cuts/shares.js';
import { CutSweep } from '../power-cuts/sweep.js';
import { cutFlows } from './cut-flows.js';
import type { CheckOptions } from './options.js';
import { CheckSubject, type CheckSubjectOptions } from './subject.js';

interface ShareInput extends CheckSubjectOptions {
  readonly upgradeTo: Uint8Array;
  readonly mode: 'sample' | 'all';
  readonly sampleSize?: number;
}

/**
 * Sweeps with several processes.
 *
 * @param upgradeTo  content of `firmware` that the upgrade writes
 */
export function sweepInShares(options: CheckOptions, upgradeTo: Uint8Array): Promise<SweptCuts> {
  const { profile, image, branch, scriptEffects, safeCarrier, sampleSize, jobs = 1 } = options;
  const input: ShareInput = {
    profile,
    image,
    upgradeTo,
    mode: options.powerCuts === 'all' ? 'all' : 'sample',
    ...(branch ? { branch } : {}),
    ...(scriptEffects ? { scriptEffects } : {}),
    ...(safeCarrier ? { safeCarrier } : {}),
    ...(sampleSize === undefined ? {} : { sampleSize }),
  };
  return spreadCuts({
    source: { module: moduleUrl('emulator/check/shares'), name: 'cutShares', input },
    jobs,
    key: keyOf(input),
    progress: options.cutProgress,
    onShare: options.onCutShare,
    signal: options.signal,
  });
}

function keyOf({ image, upgradeTo, profile, ...rest }: ShareInput): string {
  const hash = createHash('sha256').update(image).update(upgradeTo);
  return hash.update(JSON.stringify([profile, rest])).digest('hex');
}

/** What each process does; `input` is a `ShareInput`. */
export function cutShares(input: ShareInput): DoShare {
  const subject = new CheckSubject(input);
  const sweep = new CutSweep(cutFlows(subject, input.upgradeTo));
  const { mode, sampleSize } = input;
  return async (share, shares): Promise<CutShare> => {
    const options = { mode, share, shares, ...(sampleSize === undefined ? {} : { sampleSize }) };
    return { tallies: await sweep.share(options), findings: subject.findings() };
  };
}
