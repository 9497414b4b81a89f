/**
 * What a second board costs when it shares root tree and squashfs parameters with the first, and how long `--help` takes.
 *
 *     npm run build:js && npx tsx test/bench/build.ts
 *
 * Each run is a process of its own, with a cache folder of its own for each pair of builds. Medians of `RUNS` (5), as JSON.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { uImageKernel } from '../support/image-inputs.js';
import { cliPath, fixturePath } from '../support/requires.js';

const runs = Number(process.env['RUNS'] ?? 5);
const recipe = fileURLToPath(new URL('../../images/demo/image.yaml', import.meta.url));
const root = fixturePath('rootfs-openwrt-19.07.7-rt305x-mips-le.tar.xz');
const work = mkdtempSync(join(tmpdir(), 'firmwright-bench-'));
const kernel = join(work, 'kernel');
writeFileSync(kernel, uImageKernel(1_500_000));

/** Seconds that the program takes. */
function seconds(words: readonly string[], cache = work): number {
  const start = performance.now();
  execFileSync(process.execPath, [cliPath, ...words], {
    env: { PATH: process.env['PATH'], XDG_CACHE_HOME: cache },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return (performance.now() - start) / 1000;
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0;
}

function rounded(figure: number): number {
  return Math.round(figure * 1000) / 1000;
}

function buildSeconds(boards: readonly string[], run: number): number {
  const words = [
    'build',
    recipe,
    '--rootfs',
    root,
    '--kernel',
    kernel,
    '--out',
    join(work, 'out'),
    '--quiet',
  ];
  return seconds([...words, ...boards.flatMap((board) => ['-b', board])], join(work, `cache-${run}`));
}

try {
  const boards = ['glinet_gl-mt300n-v2', 'mediatek_linkit-smart-7688'];
  const first: number[] = [];
  const second: number[] = [];
  const both: number[] = [];
  const help: number[] = [];
  const bare: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    first.push(buildSeconds(boards.slice(0, 1), run));
    second.push(buildSeconds(boards.slice(1), run));
    both.push(buildSeconds(boards, runs + run));
    help.push(seconds(['--help']));
    const start = performance.now();
    execFileSync(process.execPath, ['-e', '0']);
    bare.push((performance.now() - start) / 1000);
  }
  const figures = {
    firstBoard: rounded(median(first)),
    secondBoardFromCache: rounded(median(second)),
    secondToFirst: rounded(median(second) / median(first)),
    bothInOneRun: rounded(median(both)),
    secondInOneRunToFirst: rounded((median(both) - median(first)) / median(first)),
    help: rounded(median(help)),
    nodeAlone: rounded(median(bare)),
  };
  console.log(JSON.stringify(figures, undefined, 2));
} finally {
  rmSync(work, { recursive: true, force: true });
}
