/**
 * Inspects damaged variants of every published image: truncations at every 4 KiB, and images with one to eight bits
 * flipped. No variant may throw, and none may take long.
 *
 *   npx tsx test/sweep/inspect.ts [--flips 20000] [--step 4096] [--seed 1] [--only NAME]
 *
 * A failing case prints the arguments that repeat it alone.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../tools/core/index.js';
import { inspectFile } from '../../tools/inspect/index.js';
import { fixturesFolder } from '../support/requires.js';

const { values } = parseArgs({
  options: {
    flips: { type: 'string', default: '20000' },
    step: { type: 'string', default: '4096' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
});
const slowMs = 20_000;

const names = readdirSync(fixturesFolder)
  .filter((name) => /^(fw|flash|tiny|neg)-/.test(name) && !/\.(tsv|txt)$/.test(name))
  .filter((name) => name.includes(values.only));
const failures: string[] = [];
let slowest = { ms: 0, what: '' };

function run(bytes: Uint8Array, what: string): void {
  const start = performance.now();
  try {
    // Decompression is what a library does; what is tested here is the walk.
    const { parts } = inspectFile(bytes, { decode: bytes.length < 1_000_000 });
    const covered = parts.reduce((sum, { size }) => sum + size, 0);
    if (covered !== bytes.length) failures.push(`${what}: parts cover ${covered} of ${bytes.length} bytes`);
  } catch (error) {
    failures.push(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  const ms = performance.now() - start;
  if (ms > slowest.ms) slowest = { ms, what };
  if (ms > slowMs) failures.push(`${what}: took ${ms.toFixed(0)} ms`);
}

let cuts = 0;
let flips = 0;
const random = seededRandom(Number(values.seed));
for (const name of names) {
  const whole = new Uint8Array(readFileSync(join(fixturesFolder, name)));
  for (let length = 0; length < whole.length; length += Number(values.step)) {
    run(whole.subarray(0, length), `--only ${name} cut at ${length}`);
    cuts += 1;
  }
  for (let index = 0; index < Number(values.flips) / names.length; index += 1) {
    const copy = Uint8Array.from(whole);
    const places = Array.from({ length: 1 + random.below(8) }, () => {
      // Half of the flips hit the first 8 KiB, where most headers are.
      const at = random.below(random.below(2) === 0 ? Math.min(8192, copy.length) : copy.length);
      copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
      return at;
    });
    run(copy, `--only ${name} --seed ${values.seed} flipped at ${places.join(',')}`);
    flips += 1;
  }
}
console.log(`${cuts} truncations, ${flips} flipped variants, ${failures.length} failures`);
console.log(`slowest ${slowest.ms.toFixed(0)} ms: ${slowest.what}`);
for (const failure of failures.slice(0, 20)) console.log(failure);
process.exitCode = failures.length > 0 ? 1 : 0;
