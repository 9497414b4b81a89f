import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { lzmaAloneEncode } from '../../../tools/addon/index.js';
import { buildUImage, splitFirmware } from '../../../tools/firmware/index.js';
import type { SplitBoard } from '../../../tools/firmware/index.js';
import { fixture, fixturePath, requires } from '../../support/requires.js';
import { squashfsSuperBlock } from '../../support/squashfs-super-block.js';

const board = (change: Partial<SplitBoard> = {}, eraseSize = 0x10000): SplitBoard => ({
  endianness: 'big',
  flash: { eraseSize },
  split: { mode: 'nested', parser: 'uimage' },
  partitions: [{ label: 'firmware', offset: 0x50000 }],
  headers: {},
  ...change,
});

/** `firmware` with a uImage of `kernelSize` bytes in all and a squashfs of `size` bytes at `rootfs`. */
function firmware(kernelSize: number, rootfs: number, size: number, total = 0x700000): Uint8Array {
  const bytes = new Uint8Array(total).fill(0xff);
  const options = { time: 0, load: 0, entry: 0, arch: 5, type: 2, compression: 0, name: '' };
  bytes.set(buildUImage(new Uint8Array(kernelSize - 64), options));
  bytes.set(squashfsSuperBlock(size), rootfs);
  return bytes;
}

describe('rootfs_data starts at the erase block behind the real end of the squashfs', () => {
  test.each([
    ['aligned rootfs', 0x1f0000, 0x2a4321, 0x10000, 0x4a0000],
    ['rootfs right behind the kernel', 0x1ea3c7, 0x2a4321, 0x10000, 0x490000],
    ['exact end', 0x200000, 0x300000, 0x10000, 0x500000],
    ['4 KiB erase blocks', 0x17b210, 0x201234, 0x1000, 0x37d000],
  ])('%s', (_name, rootfs, size, eraseSize, expected) => {
    const bytes = firmware(rootfs, rootfs, size);
    const split = splitFirmware(bytes, board({}, eraseSize));
    expect(split.problem).toBeUndefined();
    expect(split.rootfs?.offset).toBe(rootfs);
    expect(split.squashfsSize).toBe(size);
    expect(split.rootfsData).toEqual({ label: 'rootfs_data', offset: expected, size: 0x700000 - expected });
  });
});

test('a rootfs behind a padded kernel is found at an erase block, not between', () => {
  expect(splitFirmware(firmware(0x12345, 0x20000, 5000), board()).rootfs?.offset).toBe(0x20000);
  expect(splitFirmware(firmware(0x12345, 0x18000, 5000), board()).problem).toContain('no rootfs');
});

describe('the ELF splitter finds the rootfs behind the file', () => {
  const elf = (wide: boolean, little: boolean, sections: boolean): Uint8Array => {
    const bytes = new Uint8Array(0x100000).fill(0xff);
    bytes.fill(0, 0, 128);
    const view = new DataView(bytes.buffer);
    const address = (at: number, value: number): void => {
      if (wide) view.setBigUint64(at, BigInt(value), little);
      else view.setUint32(at, value, little);
    };
    bytes.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, little ? 1 : 2]);
    address(wide ? 32 : 28, 64);
    address(wide ? 40 : 32, sections ? 0x21000 : 0);
    const counts = wide ? 54 : 42;
    [wide ? 56 : 32, 1, 0x28, 3].forEach((value, index) => {
      view.setUint16(counts + 2 * index, value, little);
    });
    address(64 + (wide ? 8 : 4), 0x1000);
    address(64 + (wide ? 32 : 16), 0x20010);
    bytes.set(squashfsSuperBlock(5000), 0x30000);
    return bytes;
  };
  const cases = [true, false].flatMap((wide) =>
    [true, false].flatMap((little) => [true, false].map((sections) => [wide, little, sections] as const)),
  );
  test.each(cases)('64 bits %s, little-endian %s, section table %s', (wide, little, sections) => {
    const found = splitFirmware(
      elf(wide, little, sections),
      board({ split: { mode: 'nested', parser: 'elf' } }),
    );
    expect(found.rootfs?.offset).toBe(0x30000);
    expect(found.kernel).toMatchObject({ offset: 0, size: 0x30000 });
  });

  test('sizes beyond the partition are no ELF file', () => {
    const bytes = elf(false, false, true);
    new DataView(bytes.buffer).setUint32(32, 0x200000);
    expect(splitFirmware(bytes, board({ split: { mode: 'nested', parser: 'elf' } })).problem).toContain(
      'no ELF',
    );
  });
});

test('an LZMA kernel is found in a Buffer that is a view of a larger one', () => {
  const bytes = Buffer.alloc(0x100000, 0xff);
  bytes.set(lzmaAloneEncode(new Uint8Array(5000), { dictSize: 2 ** 23, lc: 3, lp: 0, pb: 2 }), 0x30000);
  bytes.set(squashfsSuperBlock(5000), 0x40000);
  const lzma = board({ split: { mode: 'nested', parser: 'lzma' } });
  expect(splitFirmware(bytes.subarray(0x30000), lzma).rootfs?.offset).toBe(0x10000);
});

test('by name, the alignment counts from the start of the chip', () => {
  const odd = board({
    split: { mode: 'by-name', parser: 'uimage' },
    partitions: [{ label: 'firmware', offset: 0x8000 }],
  });
  expect(splitFirmware(firmware(0x20000, 0x20000, 5000), odd).rootfsData?.offset).toBe(0x28000);
  expect(splitFirmware(firmware(0x20000, 0x20000, 5000), board()).rootfsData?.offset).toBe(0x30000);
});

test('a squashfs that claims more than its partition leaves no rootfs_data', () => {
  expect(splitFirmware(firmware(0x20000, 0x20000, 0x700000), board()).problem).toContain('its partition has');
  expect(splitFirmware(firmware(0x20000, 0x20000, 0x6e0000), board()).problem).toContain('no erase block');
});

test('the kernel does not look at checksums', () => {
  const bytes = firmware(0x20000, 0x20000, 5000);
  bytes[4] = 0;
  expect(splitFirmware(bytes, board()).kernel).toEqual({ label: 'kernel', offset: 0, size: 0x20000 });
});

test('a little-endian JFFS2 root is not recognised, a big-endian one is', () => {
  const bytes = firmware(0x20000, 0x20000, 5000);
  bytes.set([0x19, 0x85, 0x20, 0x03], 0x20000);
  expect(splitFirmware(bytes, board()).rootfs?.offset).toBe(0x20000);
  expect(splitFirmware(bytes, board({ endianness: 'little' })).rootfs).toBeUndefined();
});

test('empty, blank and cut partitions give a problem, not an exception', () => {
  for (const parser of ['uimage', 'tplink', 'seama', 'trx', 'mainline-trx', 'wrgg', 'fit', 'lzma'] as const)
    for (const bytes of [new Uint8Array(0), new Uint8Array(0x20000), new Uint8Array(100).fill(0xff)])
      expect(
        splitFirmware(bytes, board({ split: { mode: 'nested', parser } })).problem,
        parser,
      ).toBeDefined();
});

requires(fixture('flash-halny-hl-gsfp-linux-partition.bin'))(
  'a dump of a running device splits as it did there',
  () => {
    const split = splitFirmware(
      readFileSync(fixturePath('flash-halny-hl-gsfp-linux-partition.bin')),
      board(),
    );
    expect(split.kernel).toEqual({ label: 'kernel', offset: 0, size: 1210454 });
    expect(split.rootfs?.offset).toBe(1210454);
    expect(split.rootfsData).toEqual({ label: 'rootfs_data', offset: 3342336, size: 655360 });
  },
);

requires(fixture('fw-uimage-a5v11-19.07.7-sysupgrade.bin'))('a real image splits at an odd offset', () => {
  const bytes = readFileSync(fixturePath('fw-uimage-a5v11-19.07.7-sysupgrade.bin'));
  expect(splitFirmware(bytes, board()).rootfs?.offset).toBe(1347726);
});

requires(fixture('fw-tplink-v1-tl-wr703n-sysupgrade.bin'))(
  'a TP-Link header that points elsewhere leaves the search by erase block',
  () => {
    const bytes = readFileSync(fixturePath('fw-tplink-v1-tl-wr703n-sysupgrade.bin'));
    const tplink = board({ split: { mode: 'nested', parser: 'tplink' } });
    // Its rootfs stands at 0x11b0a0, which the kernels of its time looked up another way.
    expect(splitFirmware(bytes, tplink).problem).toContain('no rootfs where the TP-Link header says');
    const patched = new Uint8Array(0x3d0000).fill(0xff);
    patched.set(bytes);
    new DataView(patched.buffer).setUint32(0x88, 0x11b0a0);
    expect(splitFirmware(patched, tplink).rootfsData?.offset).toBe(0x360000);
  },
);
