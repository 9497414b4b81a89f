/** Spreads an exploration over processes: each takes every nth operation of the same workload. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { InternalError } from '../core/index.js';
import { explorePowerCuts, mergeExplorations } from './power-cut-explorer.js';
import type { ExploreOptions, ExploreResult } from './power-cut-explorer.js';

/** Where workers find what to explore: functions cannot be sent to them, modules can be loaded by them. */
export interface ExplorationSource {
  /** URL of a module, as `import.meta.url` gives it. */
  readonly module: string;
  /** Its export: a function that takes `input` and gives `ExploreOptions`. */
  readonly name: string;
  /** Handed to that function; plain data. */
  readonly input: unknown;
}

/** What a worker is asked: its share is every `stride`th operation from `first`. */
export interface WorkerTask extends ExplorationSource {
  readonly first: number;
  readonly stride: number;
}

/** What a worker answers. */
export type WorkerAnswer =
  | { readonly kind: 'result'; readonly result: ExploreResult }
  | { readonly kind: 'failed'; readonly message: string };

/**
 * Explores with several processes.
 *
 * @param workers  number of processes; 1 explores in this one
 * @throws InternalError when a worker dies or the module does not export the function
 */
export async function explorePowerCutsInPool(
  source: ExplorationSource,
  workers: number,
): Promise<ExploreResult> {
  if (workers <= 1) return exploreShare({ ...source, first: 0, stride: 1 });
  const shares = Array.from({ length: workers }, (_, first) => ({ ...source, first, stride: workers }));
  return mergeExplorations(await Promise.all(shares.map(runWorker)));
}

function runWorker(task: WorkerTask): Promise<ExploreResult> {
  const here = fileURLToPath(import.meta.url);
  // Run from its sources, as tests do, a worker needs the loader of TypeScript. Threads cannot have it, processes can.
  const execArgv = here.endsWith('.ts') ? ['--import', 'tsx'] : [];
  const file = here.replace(/explorer-pool\.(ts|js)$/, 'explorer-worker.$1');
  return new Promise((resolve, reject) => {
    const worker = fork(file, [], { execArgv, serialization: 'advanced' });
    worker.once('error', reject);
    worker.once('exit', (code) => {
      reject(new InternalError(`a worker of the explorer ended with status ${code ?? 'none'} and no answer`));
    });
    worker.once('message', (answer: WorkerAnswer) => {
      worker.disconnect();
      if (answer.kind === 'result') resolve(answer.result);
      else reject(new InternalError(`a worker of the explorer failed: ${answer.message}`));
    });
    worker.send(task);
  });
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
