/** The power cuts of a check in shares: spread over processes, kept so that a sweep that was stopped can go on. */
import { createHash } from 'node:crypto';
import { moduleUrl } from '../../core/index.js';
import { spreadWork, type DoShare } from '../../flash/index.js';
import type { CheckOptions } from './check.js';
import { cutFlows } from './cut-flows.js';
import { CutSweep, tablesOf, type CutTable, type CutTally } from './cuts.js';
import { CheckSubject, type CheckSubjectOptions } from './subject.js';
import type { Finding } from '../findings.js';

/** Shares of one sweep: enough that progress shows and little is lost by a stop. */
const SHARES = 32;

/** What one share found; plain data. */
export interface CutShare {
  readonly tallies: readonly CutTally[];
  readonly findings: readonly Finding[];
}

/** A sweep as far as it has come; plain data, to be kept in a file. */
export interface CutProgress {
  /** Names the image, the board and the options: progress of another sweep is of no use. */
  readonly key: string;
  readonly shares: number;
  readonly done: Readonly<Record<string, CutShare>>;
}

interface ShareInput extends CheckSubjectOptions {
  readonly firmware: Uint8Array;
  readonly mode: 'sample' | 'all';
  readonly sampleSize?: number;
}

/** Sweeps with several processes. */
export async function sweepInShares(
  options: CheckOptions,
  firmware: Uint8Array,
): Promise<{ readonly tables: readonly CutTable[]; readonly findings: readonly Finding[] }> {
  const { profile, image, branch, scriptEffects, safeCarrier, sampleSize, upgrade, jobs = 1 } = options;
  const input: ShareInput = {
    profile,
    image,
    firmware: upgrade ?? firmware,
    mode: options.powerCuts === 'all' ? 'all' : 'sample',
    ...(branch ? { branch } : {}),
    ...(scriptEffects ? { scriptEffects } : {}),
    ...(safeCarrier ? { safeCarrier } : {}),
    ...(sampleSize === undefined ? {} : { sampleSize }),
  };
  const key = keyOf(input);
  const known = options.cutProgress?.key === key ? options.cutProgress.done : {};
  const done = new Map<number, unknown>();
  for (const [share, result] of Object.entries(known)) done.set(Number(share), result);
  const results = await spreadWork(
    { module: moduleUrl('emulator/check/shares'), name: 'cutShares', input },
    {
      jobs,
      shares: SHARES,
      done,
      onShare: (share, result) => {
        done.set(share, result);
        // A share of this work gives a CutShare.
        const all = Object.fromEntries(done) as CutProgress['done'];
        options.onCutShare?.(done.size, SHARES, { key, shares: SHARES, done: all });
      },
      ...(options.signal ? { signal: options.signal } : {}),
    },
  );
  const shares = results as CutShare[];
  return {
    tables: tablesOf(shares.map(({ tallies }) => tallies)),
    findings: shares.flatMap(({ findings }) => findings),
  };
}

function keyOf({ image, firmware, profile, ...rest }: ShareInput): string {
  const hash = createHash('sha256').update(image).update(firmware);
  return hash.update(JSON.stringify([profile, rest])).digest('hex');
}

/** What each process does; `input` is a `ShareInput`. */
export function cutShares(input: ShareInput): DoShare {
  const subject = new CheckSubject(input);
  const sweep = new CutSweep(subject, cutFlows(subject, input.firmware));
  const { mode, sampleSize } = input;
  return async (share, shares): Promise<CutShare> => {
    const options = { mode, share, shares, ...(sampleSize === undefined ? {} : { sampleSize }) };
    return { tallies: await sweep.share(options), findings: subject.findings() };
  };
}
