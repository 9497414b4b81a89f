/** Program of a test: starts pack runs in worker threads and ends the threads in the middle. */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { packSquashfs } from '../../tools/squashfs/index.js';
import { directory, fastOptions, file, noise } from '../support/squashfs-trees.js';

const workerCount = 4;
const self = JSON.stringify(import.meta.url);
// A worker does not inherit the loader of TypeScript.
const program = `import('tsx/esm/api').then(({ tsImport }) => tsImport(${self}, ${self}))`;

if (isMainThread) {
  for (let i = 0; i < workerCount; i += 1) {
    const worker = new Worker(program, { eval: true });
    await once(worker, 'message');
    await setTimeout(i * 20);
    await worker.terminate();
  }
  console.log(`${workerCount} workers ended`);
} else {
  const tree = directory({ long: file(noise(12_000_000)) });
  const run = packSquashfs(tree, { ...fastOptions, compressor: { kind: 'xz', level: 6 }, blockSize: 65_536 });
  // Spooling is done when the run has started, which takes a turn of the loop or two.
  await setTimeout(10);
  parentPort?.postMessage('started');
  await run;
}
