/** A mounted JFFS2 against the file system in memory: the same work gives the same answers and the same tree. */
import { describe, expect, test } from 'vitest';
import { fixedClock, seededRandom } from '../../../tools/core/index.js';
import { NorChip, norGeometry } from '../../../tools/flash/index.js';
import { compressors, mountJffs2 } from '../../../tools/jffs2/index.js';
import type { Jffs2FileSystem, MountOptions } from '../../../tools/jffs2/index.js';
import { MemoryFileSystem } from '../../../tools/vfs/index.js';
import { applyOperation, dataPool } from '../../support/file-operations.js';
import { manifestOf } from '../../support/manifest.js';
import { randomOperations } from '../../support/random-operations.js';
import type { Mix } from '../../support/random-operations.js';
import { withCollector } from '../../support/jffs2-collector.js';

interface Case {
  readonly name: string;
  readonly eraseSize: number;
  readonly blocks: number;
  readonly mix: Mix;
  readonly options?: Partial<MountOptions>;
  readonly collector?: 'at any stop';
  readonly remountEvery: number;
  readonly seeds: number;
}

const cases: readonly Case[] = [
  { name: '64 KiB blocks', eraseSize: 65536, blocks: 8, mix: { count: 150 }, remountEvery: 40, seeds: 12 },
  {
    name: '4 KiB blocks, collecting',
    eraseSize: 4096,
    blocks: 80,
    mix: { count: 300, writeMax: 3000, sizeMax: 9000 },
    remountEvery: 60,
    seeds: 12,
  },
  {
    name: 'big-endian',
    eraseSize: 8192,
    blocks: 40,
    mix: { count: 150, writeMax: 4000, sizeMax: 12000 },
    options: { endian: 'big' },
    remountEvery: 30,
    seeds: 8,
  },
  {
    name: 'compressed',
    eraseSize: 16384,
    blocks: 24,
    mix: { count: 200, writeMax: 6000, sizeMax: 20_000 },
    options: { compression: { mode: 'priority', compressors: [compressors.zlib, compressors.rtime] } },
    remountEvery: 50,
    seeds: 8,
  },
  {
    name: 'obsoleted in place',
    eraseSize: 4096,
    blocks: 80,
    mix: { count: 300, writeMax: 3000, sizeMax: 9000, xattrs: false },
    options: { summary: false },
    remountEvery: 60,
    seeds: 8,
  },
  {
    name: 'the collector at work during every call',
    eraseSize: 4096,
    blocks: 80,
    mix: { count: 150, writeMax: 3000, sizeMax: 9000 },
    collector: 'at any stop',
    remountEvery: 60,
    seeds: 6,
  },
];

/** Doing something after a replaced attribute was removed brings the old one back at the next mount, as in Linux. */
const withoutXattrRemoval = (operation: { readonly kind: string }): boolean =>
  operation.kind !== 'removexattr';

describe.each(cases)('$name', ({ eraseSize, blocks, mix, options, collector, remountEvery, seeds }) => {
  test.each(Array.from({ length: seeds }, (_, seed) => seed))('seed %i', (seed) => {
    const random = seededRandom(seed);
    const pool = dataPool(seed);
    const chip = new NorChip({ geometry: norGeometry(blocks * eraseSize, eraseSize) });
    const clock = fixedClock(1_700_000_000);
    const mount = (): Jffs2FileSystem => {
      const mounted = mountJffs2(chip, { endian: 'little', clock, seed, ...options });
      return collector ? withCollector(mounted, seededRandom(seed)) : mounted;
    };
    let fs = mount();
    const model = new MemoryFileSystem({ clock });
    const shown = { directoryTimes: false };
    const operations = randomOperations(random, mix).filter(withoutXattrRemoval);
    for (const [i, operation] of operations.entries()) {
      const found = applyOperation(fs, operation, pool);
      // The model has no limit: what does not fit is not done there.
      if (found === 'ENOSPC') break;
      expect(found, `${i} ${JSON.stringify(operation)}`).toBe(applyOperation(model, operation, pool));
      if (i % remountEvery === remountEvery - 1) {
        expect(manifestOf(fs, shown)).toEqual(manifestOf(model, shown));
        fs.unmount();
        fs = mount();
        if (i % 2 === 0) fs.collect();
        expect(manifestOf(fs, shown)).toEqual(manifestOf(model, shown));
        expect(fs.notices).toEqual([]);
      }
    }
    fs.collect();
    expect(manifestOf(fs, shown)).toEqual(manifestOf(model, shown));
    const { free, used, dirty, wasted, unchecked, erasing, bad } = fs.space();
    expect(free + used + dirty + wasted + unchecked + erasing + bad).toBe(blocks * eraseSize);
  });
});
