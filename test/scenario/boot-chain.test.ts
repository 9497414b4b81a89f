/** Every form of firmware that the kernel splits: it boots, is upgraded to itself and reset, in both byte orders. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  chipFromImage,
  Device,
  loadScenario,
  runScenario,
  type BranchName,
} from '../../tools/emulator/index.js';
import { fillerBytes } from '../../tools/emulator/device/filler.js';
import {
  buildFit,
  buildSeama,
  buildTrx,
  buildUImage,
  padJffs2,
  type SplitParser,
} from '../../tools/firmware/index.js';
import { buildTplinkV1Image } from '../../tools/firmware/tplink-v1.js';
import { buildTplinkV2Image } from '../../tools/firmware/tplink-v2.js';
import { buildWrgg } from '../../tools/firmware/wrgg.js';
import { packSquashfs } from '../../tools/squashfs/index.js';
import type { BoardProfile } from '../../tools/boards/index.js';
import { routerTree, smallBoard } from '../support/router-image.js';

const eraseSize = 0x10000;
const kernel = fillerBytes(60_000, 11);
let rootfs: Uint8Array;
beforeAll(async () => {
  const packed = await packSquashfs(routerTree(), {
    compressor: { kind: 'xz' },
    imageTime: 1_700_000_000,
    uniformTime: 1_700_000_000,
  });
  rootfs = packed.bytes;
});

/** Kernel, then the root at an erase block, then the markers. */
function atBlock(head: Uint8Array, least = 0): Uint8Array {
  const offset = Math.max(least, Math.ceil(head.length / eraseSize) * eraseSize);
  const image = new Uint8Array(offset + rootfs.length).fill(0xff);
  image.set(head);
  image.set(rootfs, offset);
  return padJffs2(image);
}

function behind(head: Uint8Array): Uint8Array {
  return padJffs2(Buffer.concat([head, rootfs]));
}

function trx(): Uint8Array {
  const padding = new Uint8Array(eraseSize - 28 - (kernel.length % eraseSize));
  return padJffs2(
    buildTrx([
      { kind: 'file', data: Buffer.concat([kernel, padding]) },
      { kind: 'align', unit: eraseSize },
      { kind: 'file', data: rootfs },
    ]),
  );
}

function lzma(): Uint8Array {
  const head = Buffer.alloc(13);
  head[0] = 0x5d;
  head.writeUInt32LE(0x800000, 1);
  head.writeUInt32LE(200_000, 5);
  return atBlock(Buffer.concat([head, Buffer.alloc(1), kernel]));
}

/** A file of one segment, in the byte order of its processor. */
function elf(little: boolean): Uint8Array {
  const head = Buffer.alloc(84);
  head.set([0x7f, 0x45, 0x4c, 0x46, 1, little ? 1 : 2, 1]);
  const put16 = (value: number, at: number): number =>
    little ? head.writeUInt16LE(value, at) : head.writeUInt16BE(value, at);
  const put32 = (value: number, at: number): number =>
    little ? head.writeUInt32LE(value, at) : head.writeUInt32BE(value, at);
  put32(52, 28);
  put16(32, 42);
  put16(1, 44);
  put32(84, 56);
  put32(kernel.length, 68);
  return atBlock(Buffer.concat([head, kernel]));
}

function fit(size = kernel.length): Uint8Array {
  return atBlock(
    buildFit({
      description: 'test',
      time: 1_700_000_000,
      arch: 'arm64',
      compression: 'lzma',
      load: 0x48000000,
      entry: 0x48000000,
      kernel: fillerBytes(size, 11),
      configuration: 'config-1',
    }),
  );
}

function uimage(): Uint8Array {
  return buildUImage(kernel, {
    time: 1_700_000_000,
    load: 0x80060000,
    entry: 0x80060000,
    arch: 5,
    type: 2,
    compression: 3,
    name: 'MIPS OpenWrt Linux-6.6.93',
  });
}

const tplinkBody = () => ({
  kernel,
  rootfs,
  layout: { length: 0x180000, load: 0x80060000, entry: 0x80060000 },
  rootfsAlignment: eraseSize,
  reserve: 0,
  length: 'cut' as const,
});

/** A form by name: its splitter, the byte orders of boards that have it, and an image. */
const forms: readonly [
  name: string,
  parser: SplitParser,
  endian: readonly BoardProfile['endianness'][],
  image: (little: boolean) => Uint8Array,
][] = [
  ['uImage', 'uimage', ['big', 'little'], () => behind(uimage())],
  [
    'TP-Link v1',
    'tplink',
    ['big', 'little'],
    () =>
      buildTplinkV1Image(
        { version: 1, vendor: 'TP-LINK', versionText: 'ver. 1.0', hardwareId: 1, hardwareRevision: 1 },
        tplinkBody(),
      ),
  ],
  [
    'TP-Link v2',
    'tplink',
    ['big', 'little'],
    (littleEndian) =>
      buildTplinkV2Image(
        {
          version: 2,
          versionText: 'ver. 2.0',
          hardwareId: 1,
          hardwareRevision: 1,
          hardwareRevisionAdd: 0,
          littleEndian,
        },
        tplinkBody(),
      ),
  ],
  ['Seama', 'seama', ['big', 'little'], () => atBlock(buildSeama(['dev=/dev/mtdblock/1'], kernel), 0x80000)],
  // Its kernel code reads the offsets without a swap: little-endian boards alone.
  ['TRX of OpenWrt', 'trx', ['little'], trx],
  ['TRX of the mainline', 'mainline-trx', ['big', 'little'], trx],
  [
    'WRGG',
    'wrgg',
    ['big', 'little'],
    () => atBlock(buildWrgg({ signature: 'test', device: '/dev/mtdblock/1' }, kernel), 0x80000),
  ],
  ['FIT', 'fit', ['little'], () => fit(0x90000)],
  ['bare LZMA', 'lzma', ['big', 'little'], lzma],
  ['ELF', 'elf', ['big', 'little'], elf],
];

function boardOf(
  parser: SplitParser,
  mode: 'nested' | 'by-name',
  endianness: BoardProfile['endianness'],
): BoardProfile {
  // A target whose images need no metadata.
  return smallBoard({ split: { mode, parser }, endianness, target: 'test/generic' });
}

function problemsOn(
  profile: BoardProfile,
  image: Uint8Array,
  steps: string,
  branch?: BranchName,
): readonly string[] {
  const [scenario] = loadScenario(`name: test\nsteps:\n${steps}`, 'test.yaml');
  const device = new Device({ profile, chip: chipFromImage(profile, image), ...(branch ? { branch } : {}) });
  const report = runScenario('test', scenario?.steps ?? [], device, { image, read: () => image });
  return report.steps.flatMap(({ problems }) => problems);
}

const life = `  - boot
  - expect: { state: jffs2-overlay, fsState: ready }
  - write: { path: /etc/config/a, text: '1' }
  - sysupgrade
  - expect: { state: jffs2-overlay, file: [{ path: /etc/config/a, text: '1' }] }
  - factory-reset
  - reboot
  - expect: { state: jffs2-overlay, treeEqualsBase: true, unchanged: [u-boot, art] }
`;

const cases = forms.flatMap(([name, parser, endians, image]) =>
  endians.flatMap((endian) =>
    (['nested', 'by-name'] as const).map((mode) => ({ name, parser, image, endian, mode })),
  ),
);

describe.each(cases)('$name on a $endian-endian board, split $mode', ({ parser, image, endian, mode }) => {
  test('boots, keeps settings in an upgrade, and is reset', () => {
    const profile = boardOf(parser, mode, endian);
    expect(problemsOn(profile, image(endian === 'little'), life)).toEqual([]);
  });

  test('is not started without its header', () => {
    const profile = boardOf(parser, mode, endian);
    const steps = `  - flash: { partition: firmware, base64: '${Buffer.alloc(64).toString('base64')}' }
  - boot
  - expect: { state: no-boot, stage: boot-loader }
`;
    expect(problemsOn(profile, image(endian === 'little'), steps)).toEqual([]);
  });
});

test('a small FIT is taken for one with its root inside from 22.03 on, a larger one from 25.12 on', () => {
  const profile = boardOf('fit', 'nested', 'little');
  const boots = (size: number, branch: BranchName): boolean =>
    problemsOn(profile, fit(size), '  - boot\n  - expect: { state: jffs2-overlay }\n', branch).length === 0;
  expect(boots(1000, '19.07')).toBe(true);
  expect(boots(1000, '22.03')).toBe(false);
  expect(boots(0x10000, '24.10')).toBe(true);
  expect(boots(0x10000, '25.12')).toBe(false);
  expect(boots(0x90000, '25.12')).toBe(true);
});
