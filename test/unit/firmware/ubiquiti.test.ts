import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildUbiquiti, parseRecipe, readUbiquiti, runRecipe } from '../../../tools/firmware/index.js';
import { fixture, fixturePath, requires } from '../../support/requires.js';
import { sha256, stepContext } from './vectors.js';

const needs = requires(
  fixture('fw-ath25-vmlinux.lzma'),
  fixture('fw-ath25-root.squashfs'),
  fixture('fw-ath25-sha256sums.txt'),
);

describe('the images published for ath25', () => {
  for (const [file, board] of [
    ['openwrt-ath25-ubnt2-squashfs.bin', 'XS2 -v XS2.ar2316'],
    ['openwrt-ath25-ubnt5-squashfs.bin', 'XS5 -v XS5.ar2313'],
    ['openwrt-ath25-ubnt2-pico2-squashfs.bin', 'XS2-8 -v XS2.ar2316'],
  ] as const)
    needs(`${file} comes out of the same kernel and root`, () => {
      const image = runRecipe(
        parseRecipe(`append-rootfs | mkfwimage ${board}`).steps,
        stepContext({
          kernel: readFileSync(fixturePath('fw-ath25-vmlinux.lzma')),
          rootfs: readFileSync(fixturePath('fw-ath25-root.squashfs')),
          version: { dist: 'OpenWrt', version: '15.05', revision: 'r49389' },
        }),
      );
      const published = readFileSync(fixturePath('fw-ath25-sha256sums.txt'), 'utf8');
      expect(published).toContain(`SHA256(${file})= ${sha256(image)}`);
    });
});

test('parts and checksums are read back; a flipped bit is told from the record it is in', () => {
  const image = buildUbiquiti({
    magic: 'UBNT',
    version: 'BZ.ar7240.v6.0.0',
    board: 'XM',
    kernel: new Uint8Array(0x100000).fill(1),
    rootfs: new Uint8Array(5000).fill(2),
  });
  const whole = readUbiquiti(image);
  expect(whole).toMatchObject({ magic: 'UBNT', headerCrcOk: true, end: { crcOk: true } });
  expect(whole.parts.map(({ name, size, crcOk }) => [name, size, crcOk])).toEqual([
    ['kernel', 0x100000, true],
    ['rootfs', 5000, true],
  ]);
  const flipped = Uint8Array.from(image);
  flipped[268 + 56 + 0x100000 + 8 + 56 + 10] = 0;
  const read = readUbiquiti(flipped);
  expect([read.headerCrcOk, read.parts[0]?.crcOk, read.parts[1]?.crcOk, read.end?.crcOk]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test('a cut part, an unknown board and parts beyond the flash are refused', () => {
  const parts = { kernel: new Uint8Array(10), rootfs: new Uint8Array(10) };
  const image = buildUbiquiti({ magic: 'OPEN', version: 'v', board: 'XS2', ...parts });
  expect(() => readUbiquiti(image.subarray(0, 330))).toThrow(
    expect.objectContaining({ code: 'FW_FIRMWARE_TRUNCATED' }),
  );
  expect(() => readUbiquiti(image, 1)).toThrow(expect.objectContaining({ code: 'FW_FIRMWARE_MAGIC' }));
  const unknown = { magic: 'OPEN', version: 'v', board: 'XS9', ...parts };
  expect(() => buildUbiquiti(unknown)).toThrow(expect.objectContaining({ code: 'FW_FIRMWARE_STEP' }));
  const large = { ...unknown, board: 'XS2', rootfs: new Uint8Array(0x390000) };
  expect(() => buildUbiquiti(large)).toThrow(
    expect.objectContaining({ code: 'FW_BUDGET_CHECK_SIZE', exitCode: 10 }),
  );
});
