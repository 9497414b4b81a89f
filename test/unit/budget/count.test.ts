import { expect, test } from 'vitest';
import { fc } from '@fast-check/vitest';
import { loadBoardProfile } from '../../../tools/boards/index.js';
import type { BoardProfile } from '../../../tools/boards/index.js';
import { countBudget } from '../../../tools/budget/index.js';
import { uImageKernel } from '../../support/image-inputs.js';
import { squashfsSuperBlock } from '../../support/squashfs-super-block.js';

function profile(
  options: { mode?: string; offset?: string; erase?: string; reserve?: string } = {},
): BoardProfile {
  const { mode = 'nested', offset = '128 KiB', erase = '64 KiB', reserve = '0' } = options;
  return loadBoardProfile(
    `id: test_board
name: Test Board
target: test/generic
arch: mips_24kc
endianness: big
supported_devices: [test,board]
flash: { kind: nor, size: 4 MiB, erase_size: ${erase} }
partitions:
  - { label: u-boot, offset: 0, size: ${offset}, read_only: true }
  - { label: firmware, offset: ${offset}, size: 3 MiB${mode === 'nested' ? ", parser: 'denx,uimage'" : ''} }
split: { mode: ${mode}, parser: uimage }
overlay: { reserve: ${reserve} }
kernel: kernel-bin
artefacts: { sysupgrade.bin: append-kernel | append-rootfs }
`,
    'test_board.yaml',
  );
}

/** Kernel and the superblock of a squashfs that says `size` bytes. */
function image(kernelSize: number, size: number): Uint8Array {
  const bytes = new Uint8Array(kernelSize + size).fill(0x5a);
  bytes.set(uImageKernel(kernelSize));
  bytes.set(squashfsSuperBlock(size), kernelSize);
  return bytes;
}

const kernelSize = 300_000;
const partition = 3 * 1024 * 1024;

test.each([65536, 4096])('with erase blocks of %i the fifth last block decides', (eraseSize) => {
  const board = profile({ erase: `${eraseSize}` });
  const last = partition - 5 * eraseSize - kernelSize;
  const good = countBudget({ profile: board, firmware: image(kernelSize, last) });
  expect(good).toMatchObject({ fits: true, overBy: 0, overlay: { eraseBlocks: 5, mountable: true } });
  const bad = countBudget({ profile: board, firmware: image(kernelSize, last + 1) });
  expect(bad).toMatchObject({
    fits: false,
    overBy: 1,
    overlay: { eraseBlocks: 4, mountable: false, freeBytes: 0 },
  });
});

test('the reserve of the profile counts in whole erase blocks', () => {
  const board = profile({ reserve: '65537' });
  const last = partition - 7 * 65536 - kernelSize;
  expect(countBudget({ profile: board, firmware: image(kernelSize, last) }).overlay).toMatchObject({
    neededBlocks: 7,
    reserveBlocks: 2,
    eraseBlocks: 7,
  });
  expect(countBudget({ profile: board, firmware: image(kernelSize, last + 100) })).toMatchObject({
    fits: false,
    overBy: 100,
    overlay: { mountable: true },
  });
});

test('an image that ends behind its partition is over by what sticks out, or by what the overlay lacks', () => {
  const budget = countBudget({
    profile: profile(),
    firmware: image(kernelSize, partition - kernelSize + 10),
  });
  expect(budget.fits).toBe(false);
  expect(budget.limits.find(({ what }) => what === 'firmware')).toMatchObject({ overBy: 10 });
  expect(budget.overBy).toBe(5 * 65536 + 10);
});

test('parts stand where the kernel puts them, nested and by name', () => {
  for (const mode of ['nested', 'by-name']) {
    const { partitions } = countBudget({ profile: profile({ mode }), firmware: image(kernelSize, 100_000) });
    expect(
      partitions.filter(({ parent }) => parent === 'firmware').map(({ label, offset }) => [label, offset]),
    ).toEqual([
      ['kernel', 0x20000],
      ['rootfs', 0x20000 + kernelSize],
      ['rootfs_data', 0x20000 + 7 * 65536],
    ]);
  }
});

test('an image without a root says what the kernel would miss', () => {
  const budget = countBudget({ profile: profile(), firmware: uImageKernel(1000) });
  expect(budget.fits).toBe(false);
  expect(budget.problem).toMatch(/rootfs/);
});

test('shrinking by overBy makes it fit, by one byte less does not', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1000, max: 400_000 }),
      fc.integer({ min: partition - 600_000, max: partition }),
      fc.constantFrom('4 KiB', '64 KiB', '128 KiB'),
      fc.integer({ min: 0, max: 300_000 }),
      fc.constantFrom('nested', 'by-name'),
      (kernel, end, erase, reserve, mode) => {
        const board = profile({ erase, reserve: `${reserve}`, mode });
        const size = end - kernel;
        const { fits, overBy } = countBudget({ profile: board, firmware: image(kernel, size) });
        if (fits) return;
        expect(overBy).toBeGreaterThan(0);
        expect(countBudget({ profile: board, firmware: image(kernel, size - overBy) }).fits).toBe(true);
        expect(countBudget({ profile: board, firmware: image(kernel, size - overBy + 1) }).fits).toBe(false);
      },
    ),
    { numRuns: 60 },
  );
});
