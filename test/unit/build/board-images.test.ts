import { expect, test } from 'vitest';
import { loadBoardProfile } from '../../../tools/boards/index.js';
import type { BoardProfile } from '../../../tools/boards/index.js';
import { makeBoardImages } from '../../../tools/build/board-images.js';
import type { BoardImages } from '../../../tools/build/board-images.js';
import { loadRecipe, planBuild } from '../../../tools/build/index.js';
import { noise, uImageKernel } from '../../support/image-inputs.js';

/** A chip of 1 MiB: firmware 64 KiB to 960 KiB, other partitions around it. */
function profile(extra = ''): BoardProfile {
  return loadBoardProfile(
    `id: test_board
name: Test Board
target: test/generic
arch: mips_24kc
endianness: big
supported_devices: [test,board]
flash: { kind: nor, size: 1 MiB, erase_size: 64 KiB }
partitions:
  - { label: u-boot, offset: 0, size: 64 KiB, read_only: true }
  - { label: firmware, offset: 64 KiB, size: 896 KiB, parser: 'denx,uimage' }
  - { label: art, offset: 960 KiB, size: 64 KiB, read_only: true }
split: { mode: nested, parser: uimage }
block_size: 64 KiB
image_size: 300000
kernel: kernel-bin | uImage none
artefacts:
  sysupgrade.bin: append-kernel | append-rootfs | check-size | append-metadata
${extra}`,
    'test_board.yaml',
  );
}

function make(rootfsSize: number, board = profile(), art?: Uint8Array): BoardImages {
  const recipe = loadRecipe(
    `name: t\ndate: 1\nrootfs: [r]\nkernel: k\nboards: { test_board: { flash: { ${art ? 'art: a' : ''} } } }\n`,
    '/image.yaml',
  );
  const [plan] = planBuild(recipe, [board], { detect: (path) => ({ kind: 'folder', path }) }).boards;
  if (!plan) throw new Error('no plan');
  return makeBoardImages({
    plan,
    profile: board,
    version: recipe.version,
    sourceDateEpoch: 1,
    kernel: uImageKernel(100_000),
    deviceTree: undefined,
    stepFiles: new Map(),
    signingKey: undefined,
    rootfs: noise(rootfsSize),
    partitions: new Map(art ? [['art', art]] : []),
    warn: () => undefined,
  });
}

test('an image of exactly the limit passes, one byte more is over by one', () => {
  expect(make(200_000).oversize).toEqual([]);
  expect(make(200_001).oversize).toEqual([
    { what: 'sysupgrade.bin', limit: 300_000, use: 300_001, overBy: 1 },
  ]);
});

test('a kernel over its limit is told with the bytes', () => {
  expect(make(10, profile('kernel_size: 99999\n')).oversize).toEqual([
    { what: 'kernel', limit: 99_999, use: 100_000, overBy: 1 },
  ]);
});

test('the chip holds firmware without metadata, files where they belong, and is erased elsewhere', () => {
  const art = noise(100, 3);
  const { flash, artefacts, firmware } = make(150_000, profile(), art);
  expect(flash?.length).toBe(1024 * 1024);
  expect(artefacts.get('sysupgrade.bin')?.length).toBeGreaterThan(250_000);
  expect(firmware.length).toBe(250_000);
  const equal = (at: number, bytes: Uint8Array): boolean =>
    flash !== undefined && Buffer.compare(flash.subarray(at, at + bytes.length), bytes) === 0;
  expect(equal(65536, firmware)).toBe(true);
  expect(equal(960 * 1024, art)).toBe(true);
  const erased = (from: number, to: number): boolean =>
    flash?.subarray(from, to).every((byte) => byte === 0xff) ?? false;
  expect(erased(0, 65536)).toBe(true);
  expect(erased(65536 + 250_000, 960 * 1024)).toBe(true);
  expect(erased(960 * 1024 + 100, 1024 * 1024)).toBe(true);
});

test('the chip takes the firmware recipe of the profile, not the wrapped upgrade file', () => {
  const { artefacts, firmware, flash } = make(1000, profile('firmware: append-rootfs\n'));
  expect(artefacts.get('sysupgrade.bin')?.length).toBeGreaterThan(101_000);
  expect(Buffer.compare(firmware, noise(1000))).toBe(0);
  expect(Buffer.compare(flash?.subarray(65536, 66_536) ?? noise(1), firmware)).toBe(0);
  expect(flash?.[66_536]).toBe(0xff);
});

test('a file larger than its partition is refused, one that fills it is taken', () => {
  expect(make(10, profile(), noise(65536, 3)).flash).toBeDefined();
  expect(() => make(10, profile(), noise(65537, 3))).toThrow(
    expect.objectContaining({ code: 'FW_BUDGET_PARTITION', exitCode: 10 }) as Error,
  );
});
