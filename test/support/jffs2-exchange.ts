/**
 * One workload that our mount and a real kernel do in turns on one flash: after each turn both list the same tree.
 */
import { fixedClock, seededRandom } from '../../tools/core/index.js';
import { NorChip, norGeometry } from '../../tools/flash/index.js';
import { compressors, mountJffs2 } from '../../tools/jffs2/index.js';
import type { Endian, Jffs2FileSystem, MountOptions } from '../../tools/jffs2/index.js';
import { applyOperation, dataPool, shellLines } from './file-operations.js';
import { manifestOf } from './manifest.js';
import { randomOperations } from './random-operations.js';
import type { Mix } from './random-operations.js';
import { complaintsIn, linesOf, runOracle } from './oracle.js';

/** What a workload depends on, all of it. */
export interface ExchangeCase {
  readonly seed: number;
  readonly endian: Endian;
  readonly eraseSize: number;
}

/** Makes the case of a seed: both byte orders and both erase sizes in turn. */
export function exchangeCase(seed: number): ExchangeCase {
  return {
    seed,
    endian: seed % 2 === 0 ? 'little' : 'big',
    eraseSize: seed % 4 < 2 ? 4096 : 65536,
  };
}

/** What went differently, and what happened. */
export interface ExchangeResult {
  readonly faults: readonly string[];
  readonly erases: number;
  readonly entries: number;
}

const ROUNDS = 3;

/** Does three rounds: our work, the kernel's look and work, our look. */
export async function exchange({ seed, endian, eraseSize }: ExchangeCase): Promise<ExchangeResult> {
  const blocks = eraseSize === 4096 ? 80 : 9;
  const random = seededRandom(seed);
  const pool = dataPool(seed);
  // Enough to fill the area more than once, so that both sides collect garbage.
  const mix: Mix =
    eraseSize === 4096
      ? { count: 120, writeMax: 12_000, sizeMax: 40_000, names: 5 }
      : { count: 300, writeMax: 40_000, sizeMax: 60_000, names: 5 };
  const clock = fixedClock(1_650_000_000 + seed);
  const compression = { mode: 'priority', compressors: [compressors.zlib, compressors.rtime] } as const;
  const options: MountOptions = { endian, clock, seed, ...(seed % 3 === 0 ? {} : { compression }) };
  const faults: string[] = [];
  let chip = new NorChip({ geometry: norGeometry(blocks * eraseSize, eraseSize) });
  let erases = 0;
  let entries = 0;
  for (let round = 0; round < ROUNDS && faults.length === 0; round += 1) {
    const fs = mountJffs2(chip, options);
    for (const operation of randomOperations(random, mix)) applyOperation(fs, operation, pool);
    if (random.below(2) === 0) fs.collect(random.below(30));
    fs.unmount();
    erases += chip.counters.erases;
    const ours = list(mountJffs2(chip, { ...options, readOnly: true }));
    entries = ours.length;
    const kernelWork = randomOperations(random, { ...mix, count: 60, xattrs: false });
    const result = await runOracle({
      image: chip.image(),
      endian,
      eraseSize,
      script: script(kernelWork.length > 0 ? shellLines(kernelWork, '/mnt', '/tmp/pool') : [], pool),
    });
    if (result.exitCode !== 0)
      faults.push(
        `round ${round}: exit ${result.exitCode}: ${result.stdout.slice(-400)} ${result.log.slice(-6).join(' / ')}`,
      );
    for (const line of complaintsIn(result.log)) faults.push(`round ${round}: kernel says: ${line}`);
    faults.push(...differences(`round ${round}: kernel reads ours`, ours, linesOf(result.file('before'))));
    chip = new NorChip({ geometry: norGeometry(blocks * eraseSize, eraseSize), content: result.image });
    const back = mountJffs2(chip, { ...options, readOnly: true });
    faults.push(
      ...differences(`round ${round}: we read the kernel's`, linesOf(result.file('after')), list(back)),
    );
    faults.push(...back.notices.map((notice) => `round ${round}: we say: ${notice}`));
  }
  return { faults, erases, entries };
}

function list(fs: Jffs2FileSystem): string[] {
  return manifestOf(fs);
}

function script(work: readonly string[], pool: Uint8Array): string {
  const encoded = Buffer.from(pool).toString('base64');
  return [
    `base64 -d >/tmp/pool <<'END'`,
    ...(encoded.match(/.{1,4000}/g) ?? []),
    'END',
    'mount -t jffs2 mtd:data /mnt || exit 1',
    'manifest /mnt >/out/before || exit 2',
    '{',
    ...work,
    '} >/dev/null 2>&1',
    'sync; umount /mnt || exit 3',
    'mount -t jffs2 mtd:data /mnt || exit 4',
    'manifest /mnt >/out/after || exit 5',
    'umount /mnt',
    '',
  ].join('\n');
}

/** Says which lines are on one side only. */
export function differences(what: string, expected: readonly string[], found: readonly string[]): string[] {
  const there = new Set(found);
  const wanted = new Set(expected);
  return [
    ...expected.filter((line) => !there.has(line)).map((line) => `${what}: missing: ${line}`),
    ...found.filter((line) => !wanted.has(line)).map((line) => `${what}: too much: ${line}`),
  ];
}
