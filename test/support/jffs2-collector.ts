/** A mounted JFFS2 whose every call runs together with the collector, who goes on being chosen by chance. */
import type { RandomSource } from '../../tools/core/index.js';
import type { Jffs2FileSystem } from '../../tools/jffs2/index.js';
import { Scheduler } from '../../tools/vfs/index.js';
import type { Startable } from '../../tools/vfs/index.js';

/** Gives the mount another face; the mount itself goes on as it is. */
export function withCollector(fs: Jffs2FileSystem, random: RandomSource): Jffs2FileSystem {
  return new Proxy(fs, {
    get: (_, property) => {
      const operation: unknown = property === 'collect' ? undefined : Reflect.get(fs.operations, property);
      if (typeof operation === 'function')
        return (...args: unknown[]) =>
          together(fs, Reflect.apply(operation, fs.operations, args) as Startable<unknown>, random);
      const value: unknown = Reflect.get(fs, property, fs);
      return typeof value === 'function' ? (value.bind(fs) as unknown) : value;
    },
  });
}

function together(fs: Jffs2FileSystem, operation: Startable<unknown>, random: RandomSource): unknown {
  const scheduler = new Scheduler();
  const job = scheduler.start(operation);
  while (!scheduler.idle) {
    // Its thread wakes up at any time.
    if (random.below(3) === 0 && fs.space().dirty > 3 * 4096) scheduler.start(fs.operations.collect(1));
    const runnable = scheduler.runnable();
    const next = runnable[random.below(runnable.length)];
    if (next === undefined) throw new Error('the operation and the collector wait for one another');
    scheduler.step(next);
  }
  if (job.outcome?.kind === 'failed') throw job.outcome.error;
  return job.outcome?.value;
}
