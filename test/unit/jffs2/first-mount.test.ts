import { expect, test } from 'vitest';
import { norGeometry } from '../../../tools/flash/index.js';
import { predictFirstMount, reservesOf } from '../../../tools/jffs2/mount/first-mount.js';

const KiB = 1024;

test('a blank partition of 64 KiB blocks has the reserve and the free pages that Linux reports', () => {
  const measured = [
    // blocks, write reserve, f_bfree, pointless dirt
    [5, 3, 31, 68812],
    [6, 3, 47, 69468],
    [8, 3, 79, 70778],
    [16, 3, 207, 76021],
    [32, 3, 463, 86507],
    [48, 4, 703, 96993],
    [64, 4, 959, 107479],
    [100, 5, 1519, 131072],
    [128, 5, 1967, 149422],
    [256, 8, 3967, 233308],
    [512, 14, 7966, 401080],
  ] as const;
  for (const [blocks, writeBlocks, freePages, pointlessDirt] of measured) {
    const geometry = norGeometry(blocks * 64 * KiB, 64 * KiB);
    expect(reservesOf(geometry)).toMatchObject({
      ...{ writeBlocks, pointlessDirt, gcTriggerBlocks: writeBlocks + 1, gcMergeBlocks: 3 },
    });
    expect(predictFirstMount(geometry)).toMatchObject({
      ...{ blocks, mountable: true, reserveBlocks: writeBlocks, freePages },
    });
  }
});

test('16 MiB of NAND with 16 KiB blocks keep 29 of them', () => {
  const geometry = {
    kind: 'nand',
    size: 16 * KiB * KiB,
    eraseSize: 16 * KiB,
    writeSize: 512,
    oobSize: 16,
  } as const;
  expect(predictFirstMount(geometry)).toMatchObject({ reserveBlocks: 29, freePages: 3980 });
});

test('four blocks cannot be mounted and give no space', () => {
  expect(predictFirstMount(norGeometry(4 * 64 * KiB, 64 * KiB))).toMatchObject({
    ...{ blocks: 4, mountable: false, freeBytes: 0, capacityBytes: 0 },
  });
});

test('what is used is not free', () => {
  const geometry = norGeometry(16 * 64 * KiB, 64 * KiB);
  const free = predictFirstMount(geometry).freeBytes;
  expect(predictFirstMount(geometry, { usedBytes: 8 * 4096, badBlocks: 0 }).freeBytes).toBe(free - 8 * 4096);
  expect(predictFirstMount(geometry, { usedBytes: 0, badBlocks: 1 }).freeBytes).toBe(free - 64 * KiB);
});
