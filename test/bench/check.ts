/**
 * How long `check` takes: the proofs alone and with sampled cuts, for a small root and, where the fixture is there, a real one.
 *
 *     npx tsx test/bench/check.ts [none|sample|all]...        (default none sample)
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readArchiveTree } from '../../tools/archive/index.js';
import { checkImage } from '../../tools/emulator/index.js';
import type { TreeDirectory } from '../../tools/vfs/index.js';
import { fixture, fixturePath } from '../support/requires.js';
import { profileOf, routerTree, sysupgradeImage } from '../support/router-image.js';

/** Cut points a second of littlefs's own runner in C, on a comparable machine. */
const LITTLEFS_CUTS_PER_SECOND = 3750;
const real = 'rootfs-openwrt-19.07.7-rt305x-mips-le.tar.xz';

async function measure(
  root: string,
  board: string,
  tree: TreeDirectory,
  modes: readonly string[],
): Promise<void> {
  const profile = profileOf(board);
  const image = await sysupgradeImage(profile, tree, 1_500_000);
  for (const mode of modes) {
    const powerCuts = mode === 'all' || mode === 'sample' ? mode : 'none';
    const before = process.cpuUsage();
    const start = performance.now();
    const report = await checkImage({ profile, image, powerCuts, ...(mode === 'all' ? { jobs: 2 } : {}) });
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(before);
    const cuts = report.cuts.reduce((sum, table) => sum + table.cuts, 0);
    for (const { phase, operations, cuts: count, outcomes } of report.cuts)
      console.log(phase, operations, count, JSON.stringify(outcomes));
    console.log(
      JSON.stringify({
        root,
        board,
        mode,
        passed: report.passed,
        seconds: Math.round(seconds * 100) / 100,
        processorSeconds: Math.round((user + system) / 1e4) / 100,
        ...(cuts > 0
          ? {
              cuts,
              cutsPerSecond: Math.round(cuts / seconds),
              ofLittlefs: Math.round((cuts / seconds / LITTLEFS_CUTS_PER_SECOND) * 1000) / 1000,
            }
          : {}),
      }),
    );
  }
}

async function main(): Promise<void> {
  const modes = process.argv.length > 2 ? process.argv.slice(2) : ['none', 'sample'];
  const board = 'xiaomi_mi-router-4a-gigabit';
  await measure('small', board, routerTree(), modes);
  if (!fixture(real).met) return;
  const folder = mkdtempSync(join(tmpdir(), 'firmwright-bench-'));
  const { root } = await readArchiveTree(fixturePath(real), join(folder, 'spool'));
  await measure('real', board, root, modes);
  rmSync(folder, { recursive: true, force: true });
}

void main();
