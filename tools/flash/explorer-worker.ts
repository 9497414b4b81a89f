/** Entry of a worker thread of the explorer: one share of an exploration. */
import { exploreShare } from './explorer-pool.js';
import type { WorkerTask } from './explorer-pool.js';
import type { ExploreResult } from './power-cut-explorer.js';

/** Explores the share that the pool asks for. */
export function exploreTask(task: WorkerTask): Promise<ExploreResult> {
  return exploreShare(task);
}

// Piscina calls the default export.
export { exploreTask as default };
