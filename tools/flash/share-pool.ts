/**
 * Spreads work over processes: each makes itself ready once, then does one share after the other. What is done can be kept, so
 * that a run that was stopped goes on where it was.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { InternalError, moduleUrl, runsFromSources } from '../core/index.js';

/** Where processes find the work: functions cannot be sent to them, modules can be loaded by them. */
export interface WorkSource {
  /** URL of a module, as `moduleUrl` gives it. */
  readonly module: string;
  /** Its export: a function that takes `input` and gives a `DoShare`. */
  readonly name: string;
  /** Handed to that function; plain data. */
  readonly input: unknown;
}

/** Does share `share` of `shares`, counted from 0: every `shares`th piece of the work. The result is plain data. */
export type DoShare = (share: number, shares: number) => unknown;

/** How to spread. */
export interface SpreadOptions {
  /** Number of processes; 1 works in this one. */
  readonly jobs: number;
  /** Number of shares, more than processes so that they end together. */
  readonly shares: number;
  /** Results of shares that a run before this one did, by number. */
  readonly done?: ReadonlyMap<number, unknown>;
  /** Called after each share. */
  readonly onShare?: (share: number, result: unknown) => void;
  /** Ends the processes; the promise then rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** What a process is told: first the source, then shares. */
export type ShareRequest =
  | { readonly kind: 'prepare'; readonly source: WorkSource }
  | { readonly kind: 'share'; readonly share: number; readonly shares: number };

/** What it answers, once for each share. */
export type ShareAnswer =
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly message: string };

/**
 * Does all shares.
 *
 * @returns the results in order of the shares
 * @throws InternalError when a process dies, or its work fails, or the module does not export the function
 */
export async function spreadWork(source: WorkSource, options: SpreadOptions): Promise<unknown[]> {
  const { jobs, shares, done = new Map<number, unknown>(), onShare, signal } = options;
  const results = new Map(done);
  const left = Array.from({ length: shares }, (_, share) => share).filter((share) => !done.has(share));
  const finish = (share: number, result: unknown): void => {
    results.set(share, result);
    onShare?.(share, result);
  };
  if (jobs <= 1) {
    const doShare = await prepareWork(source);
    for (const share of left) {
      signal?.throwIfAborted();
      finish(share, await doShare(share, shares));
    }
  } else {
    const workers = Array.from({ length: Math.min(jobs, left.length) }, () => new Worker(source));
    const stop = (): void => {
      for (const worker of workers) worker.end();
    };
    signal?.addEventListener('abort', stop);
    try {
      const run = async (worker: Worker): Promise<void> => {
        for (let share = left.shift(); share !== undefined; share = left.shift())
          finish(share, await worker.ask(share, shares));
      };
      await Promise.all(workers.map(run));
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
      stop();
    }
  }
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}

/** One process. */
class Worker {
  readonly #process: ChildProcess;

  constructor(source: WorkSource) {
    // Threads cannot have the loader of TypeScript, processes can.
    const execArgv = runsFromSources() ? ['--import', 'tsx'] : [];
    this.#process = fork(fileURLToPath(moduleUrl('flash/share-worker')), [], {
      execArgv,
      serialization: 'advanced',
    });
    this.#send({ kind: 'prepare', source });
  }

  ask(share: number, shares: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => {
        reject(new InternalError(`a worker ended with status ${code ?? 'none'} and no answer`));
      };
      this.#process.once('error', reject);
      this.#process.once('exit', onExit);
      this.#process.once('message', (answer: ShareAnswer) => {
        this.#process.off('exit', onExit);
        this.#process.off('error', reject);
        if (answer.kind === 'result') resolve(answer.result);
        else reject(new InternalError(`a worker failed: ${answer.message}`));
      });
      this.#send({ kind: 'share', share, shares });
    });
  }

  #send(request: ShareRequest): void {
    this.#process.send(request);
  }

  end(): void {
    this.#process.kill();
  }
}

/** Loads the function of a source and lets it make itself ready. */
export async function prepareWork(source: WorkSource): Promise<DoShare> {
  const module: unknown = await import(source.module);
  const make = isRecord(module) ? module[source.name] : undefined;
  if (typeof make !== 'function')
    throw new InternalError(`${source.module} exports no function ${source.name}`);
  // The name of the export is the agreement: it gives a DoShare.
  return await (make as (input: unknown) => DoShare | Promise<DoShare>)(source.input);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
