/**
 * How long `check` takes, and how many power cuts a second it judges: the proofs alone, with sampled cuts or with all on two
 * processes; for a small root and, where the fixture is there, a real one, or for an image.
 *
 *     npx tsx test/bench/check.ts [none|sample|all]... [IMAGE BOARD]        (default none sample)
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readArchiveTree } from '../../tools/archive/index.js';
import type { BoardProfile } from '../../tools/boards/index.js';
import { checkImage } from '../../tools/emulator/index.js';
import { fixture, fixturePath } from '../support/requires.js';
import { profileOf, routerTree, sysupgradeImage } from '../support/router-image.js';

/** Cut points a second of littlefs's own runner in C, on a comparable machine. */
const LITTLEFS_CUTS_PER_SECOND = 3750;
const modeNames = ['none', 'sample', 'all'] as const;
type Mode = (typeof modeNames)[number];
const real = 'rootfs-openwrt-19.07.7-rt305x-mips-le.tar.xz';

async function measure(
  root: string,
  profile: BoardProfile,
  image: Uint8Array,
  modes: readonly Mode[],
): Promise<void> {
  for (const mode of modes) {
    const before = process.cpuUsage();
    const start = performance.now();
    const report = await checkImage({
      profile,
      image,
      powerCuts: mode,
      ...(mode === 'all' ? { jobs: 2 } : {}),
    });
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(before);
    const cuts = report.cuts.reduce((sum, table) => sum + table.cuts, 0);
    const states = report.cuts.reduce((sum, table) => sum + table.states, 0);
    for (const { violations, ...table } of report.cuts)
      console.log(JSON.stringify({ ...table, violations: violations.length }));
    console.log(
      JSON.stringify({
        root,
        board: profile.id,
        mode,
        passed: report.passed,
        seconds: Math.round(seconds * 100) / 100,
        processorSeconds: Math.round((user + system) / 1e4) / 100,
        ...(cuts > 0
          ? {
              cuts,
              states,
              statesPerSecond: Math.round(states / seconds),
              cutsPerSecond: Math.round(cuts / seconds),
              ofLittlefs: Math.round((cuts / seconds / LITTLEFS_CUTS_PER_SECOND) * 1000) / 1000,
            }
          : {}),
      }),
    );
  }
}

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const named = words.filter((word): word is Mode => modeNames.some((name) => name === word));
  const modes = named.length > 0 ? named : (['none', 'sample'] as const);
  const [file, boardOfFile] = words.slice(named.length);
  if (file !== undefined) {
    await measure(file, profileOf(boardOfFile ?? ''), readFileSync(file), modes);
    return;
  }
  const profile = profileOf('xiaomi_mi-router-4a-gigabit');
  await measure('small', profile, await sysupgradeImage(profile, routerTree(), 1_500_000), modes);
  if (!fixture(real).met) return;
  const folder = mkdtempSync(join(tmpdir(), 'firmwright-bench-'));
  const { root } = await readArchiveTree(fixturePath(real), join(folder, 'spool'));
  await measure('real', profile, await sysupgradeImage(profile, root, 1_500_000), modes);
  rmSync(folder, { recursive: true, force: true });
}

void main();
