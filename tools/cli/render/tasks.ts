/**
 * Shows what is going on, on stderr: a live task list on a terminal; elsewhere one plain line a finished task, and one now
 * and then for a task that takes long; nothing with `--quiet`. Results never go through here.
 */
import type { Listr, ListrTask } from 'listr2';
import { cancellationPoint } from '../cancellation-point.js';

/** A task as its work sees it. */
export interface TaskHandle {
  /** Says how far the task is; `total` 0 when the end is not known. */
  progress(done: number, total: number, unit?: string): void;
}

/** Runs work under a title that is shown while it lasts. Tasks may run side by side and inside each other. */
export interface TaskDisplay {
  run<T>(title: string, work: (task: TaskHandle) => Promise<T>): Promise<T>;
}

/** A plain display says how far a task is when this long nothing was said of it. */
const plainIntervalMs = 10_000;

/** What a display needs. */
export interface DisplayOptions {
  readonly isTerminal: boolean;
  readonly quiet: boolean;
  readonly write: (text: string) => void;
  /** Milliseconds from any start. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/**
 * Makes the display for a stream.
 *
 * A cancelled signal ends a task before its work and behind it, so that what never waits is not written out either.
 */
export function taskDisplay(options: DisplayOptions): TaskDisplay {
  const display = displayFor(options);
  return {
    run: (title, work) =>
      display.run(title, async (task) => {
        await cancellationPoint(options.signal);
        const result = await work(task);
        await cancellationPoint(options.signal);
        return result;
      }),
  };
}

function displayFor({ isTerminal, quiet, write, now }: DisplayOptions): TaskDisplay {
  if (quiet) return { run: (_, work) => work({ progress: ignore }) };
  return isTerminal ? new LiveDisplay() : plainDisplay(write, now);
}

function ignore(): void {
  // A quiet display has nothing to show.
}

function plainDisplay(write: (text: string) => void, now: () => number): TaskDisplay {
  return {
    run: async (title, work) => {
      const started = now();
      let said = started;
      const result = await work({
        progress: (done, total, unit) => {
          if (now() - said < plainIntervalMs) return;
          said = now();
          write(`${title} ${amount(done, total, unit)}\n`);
        },
      });
      write(`${title} (${((now() - started) / 1000).toFixed(1)} s)\n`);
      return result;
    },
  };
}

/** One listr at a time: tasks that start while it runs are added to it. */
class LiveDisplay implements TaskDisplay {
  #list: Listr | undefined;
  #running = 0;
  #finished: Promise<unknown> = Promise.resolve();

  async run<T>(title: string, work: (task: TaskHandle) => Promise<T>): Promise<T> {
    const { Listr } = await import('listr2');
    this.#running += 1;
    const { promise: shown, resolve: show } = deferred<TaskHandle>();
    const { promise: ended, resolve: end, reject: fail } = deferred<undefined>();
    const task: ListrTask = {
      title,
      task: async (_, wrapper) => {
        show({ progress: (done, total, unit) => (wrapper.title = `${title} ${amount(done, total, unit)}`) });
        await ended;
        wrapper.title = title;
      },
    };
    if (this.#list) this.#list.add(task);
    else {
      const list = new Listr([task], {
        concurrent: true,
        exitOnError: false,
        registerSignalListeners: false,
      });
      this.#list = list;
      this.#finished = list.run();
    }
    try {
      return await work(await shown);
    } catch (error) {
      fail(error);
      throw error;
    } finally {
      end(undefined);
      this.#running -= 1;
      if (this.#running === 0) {
        this.#list = undefined;
        await this.#finished;
      }
    }
  }
}

function amount(done: number, total: number, unit = ''): string {
  return total > 0 ? `${Math.floor((100 * done) / total)} %` : `${done} ${unit}`.trimEnd();
}

function deferred<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
} {
  let settle: { resolve: (value: T) => void; reject: (reason: unknown) => void } | undefined;
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }));
  return { promise, resolve: (value) => settle?.resolve(value), reject: (reason) => settle?.reject(reason) };
}
