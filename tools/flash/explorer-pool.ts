/** Spreads an exploration over worker threads: each takes every nth operation of the same workload. */
import { Piscina } from 'piscina';
import { fileURLToPath } from 'node:url';
import { InternalError } from '../core/index.js';
import { explorePowerCuts, mergeExplorations } from './power-cut-explorer.js';
import type { ExploreOptions, ExploreResult } from './power-cut-explorer.js';

/** Where workers find what to explore: functions cannot be sent to them, modules can be loaded by them. */
export interface ExplorationSource {
  /** URL of a module, as `import.meta.url` gives it. */
  readonly module: string;
  /** Its export: a function that takes `input` and gives the options. */
  readonly name: string;
  /** Handed to that function; plain data. */
  readonly input: unknown;
}

/** What a worker is asked. */
export interface WorkerTask extends ExplorationSource {
  readonly first: number;
  readonly stride: number;
}

/**
 * Explores on worker threads.
 *
 * @param workers  number of threads; 1 explores in this thread
 */
export async function explorePowerCutsInPool(
  source: ExplorationSource,
  workers: number,
): Promise<ExploreResult> {
  if (workers <= 1) return exploreShare({ ...source, first: 0, stride: 1 });
  const here = fileURLToPath(import.meta.url);
  // Run from its sources, as tests do, a worker needs the loader of TypeScript.
  const fromSource = here.endsWith('.ts');
  const pool = new Piscina({
    filename: here.replace(/explorer-pool\.(ts|js)$/, 'explorer-worker.$1'),
    maxThreads: workers,
    ...(fromSource ? { execArgv: ['--import', 'tsx'] } : {}),
  });
  try {
    const shares = Array.from({ length: workers }, (_, first): WorkerTask => ({
      ...source,
      first,
      stride: workers,
    }));
    const results: unknown[] = await Promise.all(shares.map((share) => pool.run(share)));
    return mergeExplorations(results.map(asResult));
  } finally {
    await pool.destroy();
  }
}

/** Explores one share: what a worker does. */
export async function exploreShare(task: WorkerTask): Promise<ExploreResult> {
  const module: unknown = await import(task.module);
  const make = isRecord(module) ? module[task.name] : undefined;
  if (typeof make !== 'function') throw new InternalError(`${task.module} exports no function ${task.name}`);
  // The name of the export is the agreement: it gives ExploreOptions.
  const options = (make as (input: unknown) => ExploreOptions)(task.input);
  return explorePowerCuts({
    ...options,
    range: { ...options.range, first: task.first, stride: task.stride },
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function asResult(value: unknown): ExploreResult {
  if (isRecord(value) && 'violations' in value && 'outcomes' in value)
    return value as unknown as ExploreResult;
  throw new InternalError('a worker of the explorer answered something else');
}
