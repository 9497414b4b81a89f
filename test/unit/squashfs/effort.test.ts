import { describe, expect, test } from 'vitest';
import { BlockStore, packSquashfs, squashfsTree } from '../../../tools/squashfs/index.js';
import type { SquashfsOptions } from '../../../tools/squashfs/index.js';
import { withEffort } from '../../../tools/squashfs/effort.js';
import { newDirectory } from '../../../tools/vfs/index.js';
import type { TreeDirectory } from '../../../tools/vfs/index.js';
import { byteStringFromText, seededRandom } from '../../../tools/core/index.js';
import { describeTree, everyKind, file, someTime } from '../../support/squashfs-trees.js';

const xz: SquashfsOptions = {
  compressor: { kind: 'xz', level: 6, lc: 0, lp: 2, pb: 2 },
  blockSize: 8192,
  // The arrangement is searched longer with more effort, and on a tree like this luck decides.
  similarity: false,
  imageTime: someTime,
  workers: 2,
};

/** Files of words, of 32-bit patterns and of noise, some of several blocks. */
function mixedTree(seed = 1): TreeDirectory {
  const random = seededRandom(seed);
  const root = newDirectory();
  for (let i = 0; i < 24; i += 1) {
    const length = random.below(20_000);
    const bytes = Buffer.alloc(length);
    // Words of five, so that text has not the period of machine code.
    const step = i % 3 === 0 ? 5 : 4;
    for (let at = 0; at + step <= length; at += step) {
      if (i % 3 === 0) bytes.write(`${'abcdefgh'[random.below(8)] ?? ''}ord `, at, 'latin1');
      else if (i % 3 === 1) bytes.writeUInt32BE(0x2402_0000 + random.below(64), at);
      else bytes.writeUInt32LE(random.next(), at);
    }
    root.entries.set(byteStringFromText(`file-${i}`), file(bytes));
  }
  return root;
}

describe('effort', () => {
  test.each(['more', 'most'] as const)(
    '%s: smaller, equal in content, the same for any count of workers',
    async (effort) => {
      const plain = await packSquashfs(mixedTree(), xz);
      const one = await packSquashfs(mixedTree(), { ...xz, effort, workers: 1 });
      const three = await packSquashfs(mixedTree(), { ...xz, effort, workers: 3 });
      expect(one.report.bytesUsed).toBeLessThan(plain.report.bytesUsed);
      expect(Buffer.compare(three.bytes, one.bytes)).toBe(0);
      expect(describeTree(squashfsTree(one.bytes))).toEqual(describeTree(mixedTree()));
      expect(one.report.encodeCount).toBeGreaterThan(2 * plain.report.encodeCount);
    },
  );

  test('only filters of the compressor are used, and each of them', () => {
    const { variants } = withEffort({ kind: 'xz', branchFilters: ['arm'] }, 'most');
    expect(new Set(variants?.map(({ branchFilter }) => branchFilter))).toEqual(new Set([undefined, 'arm']));
    const plain = withEffort({ kind: 'xz' }, 'most').variants;
    expect(plain?.some(({ branchFilter }) => branchFilter !== undefined)).toBe(false);
  });

  test('every kind of object survives', async () => {
    const { bytes } = await packSquashfs(everyKind(), { ...xz, effort: 'more' });
    expect(describeTree(squashfsTree(bytes))).toEqual(describeTree(everyKind()));
  });

  test.each([
    ['lc + lp above 4', { lc: 3, lp: 2, pb: 0 }],
    ['a nice length of 1', { lc: 0, lp: 0, pb: 0, niceLength: 1 }],
    ['a search of no candidates', { lc: 0, lp: 0, pb: 0, searchDepth: 0 }],
  ])('a variant with %s is refused', async (_, variant) => {
    const pack = packSquashfs(newDirectory(), { ...xz, compressor: { kind: 'xz', variants: [variant] } });
    await expect(pack).rejects.toMatchObject({ code: 'FW_USAGE_SQUASHFS_OPTION' });
  });
});

test('each level from 6 to 9 searches longer than the one below', async () => {
  const packed = async (level: number): Promise<number> => {
    const compressor = { kind: 'xz', level } as const;
    const { bytes, report } = await packSquashfs(mixedTree(), { ...xz, compressor, blockSize: 131_072 });
    expect(describeTree(squashfsTree(bytes))).toEqual(describeTree(mixedTree()));
    return report.bytesUsed;
  };
  const sizes = [await packed(6), await packed(7), await packed(8), await packed(9)];
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  expect(new Set(sizes).size).toBe(sizes.length);
});

describe('block store', () => {
  test('known blocks are not compressed again, and the image is the same', async () => {
    const blockStore = new BlockStore();
    const first = await packSquashfs(mixedTree(), { ...xz, blockStore });
    blockStore.seal();
    const again = await packSquashfs(mixedTree(), { ...xz, blockStore });
    expect(Buffer.compare(again.bytes, first.bytes)).toBe(0);
    expect(again.report.encodeCount).toBe(0);
    const other = mixedTree();
    other.entries.set(byteStringFromText('new'), file('x'.repeat(30_000)));
    const changed = await packSquashfs(other, { ...xz, blockStore });
    expect(Buffer.compare(changed.bytes, (await packSquashfs(other, xz)).bytes)).toBe(0);
    expect(changed.report.encodeCount).toBeLessThan(first.report.encodeCount);
  });

  test('a cancelled run leaves nothing wrong in it', async () => {
    const blockStore = new BlockStore();
    const cancel = new AbortController();
    const run = packSquashfs(mixedTree(), { ...xz, blockStore, signal: cancel.signal });
    setTimeout(() => cancel.abort(), 5);
    await run.catch(() => undefined);
    const { bytes } = await packSquashfs(mixedTree(), { ...xz, blockStore });
    expect(Buffer.compare(bytes, (await packSquashfs(mixedTree(), xz)).bytes)).toBe(0);
  });
});
