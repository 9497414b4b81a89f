/**
 * Differential test against the overlay of the running kernel, in a private mount namespace (needs root).
 *
 *     npx tsx test/sweep/union-kernel.ts [sequences, default 2000] [first seed, default 1]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compareWithKernel } from '../support/kernel-overlay.js';

function main(): void {
  const [sequences = '2000', seed = '1', inside] = process.argv.slice(2);
  if (inside !== 'inside') {
    const self = [...process.execArgv, fileURLToPath(import.meta.url), sequences, seed, 'inside'];
    const { status } = spawnSync('unshare', ['-m', process.execPath, ...self], { stdio: 'inherit' });
    process.exitCode = status ?? 1;
    return;
  }
  const base = '/mnt';
  execFileSync('mount', ['-t', 'tmpfs', 'union-kernel', base]);
  let differences = 0;
  for (let number = 0; number < Number(sequences); number += 1) {
    const difference = compareWithKernel(base, Number(seed) + number);
    if (difference === undefined) continue;
    differences += 1;
    console.log(`seed ${Number(seed) + number}:\n${difference}`);
  }
  console.log(`${sequences} sequences, ${differences} differences`);
  process.exitCode = differences > 0 ? 1 : 0;
}

main();
