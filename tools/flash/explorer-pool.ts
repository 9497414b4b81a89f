/** Spreads an exploration over processes: each share is every nth operation of the same workload. */
import { InternalError, moduleUrl } from '../core/index.js';
import { explorePowerCuts, mergeExplorations } from './power-cut-explorer.js';
import type { ExploreOptions, ExploreResult } from './power-cut-explorer.js';
import { spreadWork } from './share-pool.js';
import type { DoShare, SpreadOptions, WorkSource } from './share-pool.js';

/** Where workers find what to explore: its export takes `input` and gives `ExploreOptions`. */
export type ExplorationSource = WorkSource;

/** How to spread an exploration; shares that are `done` are results of an earlier run of the same exploration. */
export type PoolOptions = Partial<Omit<SpreadOptions, 'done' | 'onShare'>> & {
  readonly done?: ReadonlyMap<number, ExploreResult>;
  readonly onShare?: (share: number, result: ExploreResult) => void;
};

/**
 * Explores with several processes.
 *
 * To go on after a stop, keep what `onShare` tells and give it as `done`, with the same number of shares.
 *
 * @throws InternalError when a worker dies or the module does not export the function
 */
export async function explorePowerCutsInPool(
  source: ExplorationSource,
  options: PoolOptions,
): Promise<ExploreResult> {
  const { jobs = 2, shares = jobs <= 1 ? 1 : jobs * 4, done, onShare, signal } = options;
  const results = await spreadWork(
    { module: moduleUrl('flash/explorer-pool'), name: 'exploreShares', input: source },
    {
      jobs,
      shares,
      ...(done ? { done } : {}),
      // A share of this work gives an ExploreResult.
      ...(onShare
        ? {
            onShare: (share, result) => {
              onShare(share, result as ExploreResult);
            },
          }
        : {}),
      ...(signal ? { signal } : {}),
    },
  );
  return mergeExplorations(results as ExploreResult[]);
}

/** What each process does; `input` is the `ExplorationSource`. */
export async function exploreShares(input: ExplorationSource): Promise<DoShare> {
  const module: unknown = await import(input.module);
  const make =
    typeof module === 'object' && module !== null ? (Reflect.get(module, input.name) as unknown) : undefined;
  if (typeof make !== 'function')
    throw new InternalError(`${input.module} exports no function ${input.name}`);
  // The name of the export is the agreement: it gives ExploreOptions.
  const options = (make as (input: unknown) => ExploreOptions)(input.input);
  return (share, shares) =>
    explorePowerCuts({ ...options, range: { ...options.range, first: share, stride: shares } });
}
