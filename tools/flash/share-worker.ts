/** Entry of a worker process: makes itself ready, then answers with the result of each share it is asked for. */
import { prepareWork } from './share-pool.js';
import type { DoShare, ShareAnswer, ShareRequest } from './share-pool.js';

let ready: Promise<DoShare> | undefined;

process.on('message', (request: ShareRequest) => {
  if (request.kind === 'prepare') {
    ready = prepareWork(request.source);
    // Told with the first share.
    ready.catch(() => undefined);
    return;
  }
  answer(request.share, request.shares).then(
    (result) => send({ kind: 'result', result }),
    (error: unknown) =>
      send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});

async function answer(share: number, shares: number): Promise<unknown> {
  const doShare = await ready;
  return doShare?.(share, shares);
}

function send(message: ShareAnswer): void {
  process.send?.(message);
}
