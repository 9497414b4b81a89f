/** A sweep of power cuts in shares: spread over processes, kept so that a sweep that was stopped can go on. */
import { spreadWork, type WorkSource } from '../../flash/index.js';
import type { Finding } from '../findings.js';
import { tablesOf, type CutTable, type CutTally } from './table.js';

/** Shares of one sweep: enough that progress shows and little is lost by a stop. */
const SHARES = 32;

/** What one share found; plain data. */
export interface CutShare {
  readonly tallies: readonly CutTally[];
  readonly findings: readonly Finding[];
}

/** A sweep as far as it has come; plain data, to be kept in a file. */
export interface CutProgress {
  /** Names what is cut, and how: progress of another sweep is of no use. */
  readonly key: string;
  readonly shares: number;
  readonly done: Readonly<Record<string, CutShare>>;
}

/** How a sweep is spread. */
export interface SpreadCutsOptions {
  /** Makes a `DoShare` that gives a `CutShare`. */
  readonly source: WorkSource;
  readonly jobs: number;
  /** Names the sweep, where its progress is kept. */
  readonly key?: string;
  /** Of a sweep that was stopped; taken when it has the same key. */
  readonly progress?: CutProgress | undefined;
  /** Called after each share, with what is to be kept. */
  readonly onShare?: ((done: number, total: number, progress: CutProgress) => void) | undefined;
  /** Stops the sweep. */
  readonly signal?: AbortSignal | undefined;
}

/** What a sweep found. */
export interface SweptCuts {
  readonly tables: readonly CutTable[];
  readonly findings: readonly Finding[];
}

/** Sweeps with several processes. */
export async function spreadCuts(options: SpreadCutsOptions): Promise<SweptCuts> {
  const { source, jobs, key = '', progress, onShare, signal } = options;
  const done = new Map<number, unknown>();
  if (progress?.key === key)
    for (const [share, result] of Object.entries(progress.done)) done.set(Number(share), result);
  const results = await spreadWork(source, {
    jobs,
    shares: SHARES,
    done,
    onShare: (share, result) => {
      done.set(share, result);
      // A share of this work gives a CutShare.
      const all = Object.fromEntries(done) as CutProgress['done'];
      onShare?.(done.size, SHARES, { key, shares: SHARES, done: all });
    },
    ...(signal ? { signal } : {}),
  });
  const shares = results as CutShare[];
  return {
    tables: tablesOf(shares.map(({ tallies }) => tallies)),
    findings: shares.flatMap(({ findings }) => findings),
  };
}
