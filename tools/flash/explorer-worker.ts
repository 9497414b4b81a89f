/** Entry of a worker process of the explorer: takes one share, answers with the result. */
import { exploreShare } from './explorer-pool.js';
import type { WorkerAnswer, WorkerTask } from './explorer-pool.js';

process.once('message', (task: WorkerTask) => {
  exploreShare(task).then(
    (result) => answer({ kind: 'result', result }),
    (error: unknown) =>
      answer({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});

function answer(message: WorkerAnswer): void {
  process.send?.(message);
}
