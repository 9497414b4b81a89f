/** Every form of firmware that the kernel splits, in both byte orders: it boots, is upgraded to itself and is reset; damaged,
 * it does not come up. */
import { beforeAll, describe, expect, test } from 'vitest';
import { boot, chipFromImage, Device, type BranchName } from '../../tools/emulator/index.js';
import { fillerBytes } from '../../tools/emulator/device/filler.js';
import { writeFromOutside } from '../../tools/emulator/device/write-from-outside.js';
import { buildFit, buildSeama, buildTrx, padJffs2, type SplitParser } from '../../tools/firmware/index.js';
import { buildTplinkV1Image } from '../../tools/firmware/tplink-v1.js';
import { buildTplinkV2Image } from '../../tools/firmware/tplink-v2.js';
import { buildWrgg } from '../../tools/firmware/wrgg.js';
import { packSquashfs } from '../../tools/squashfs/index.js';
import type { BoardProfile } from '../../tools/boards/index.js';
import { routerKernel, routerTree, smallBoard } from '../support/router-image.js';
import { problemsOf, runSteps } from '../support/scenario-steps.js';

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

const tplinkBody = () => ({
  kernel,
  rootfs,
  layout: { length: 0x180000, load: 0x80060000, entry: 0x80060000 },
  rootfsAlignment: eraseSize,
  reserve: 0,
  length: 'cut' as const,
});

interface Form {
  readonly name: string;
  readonly parser: SplitParser;
  /** Byte orders of the boards that have it. */
  readonly endians: readonly BoardProfile['endianness'][];
  readonly image: (little: boolean) => Uint8Array;
  /** What is said when its header is gone. */
  readonly refusal: string;
}

const both = ['big', 'little'] as const;
const forms: readonly Form[] = [
  {
    name: 'uImage',
    parser: 'uimage',
    endians: both,
    image: () => behind(routerKernel(60_000, 1_700_000_000)),
    refusal: 'no uImage at 0x0',
  },
  {
    name: 'TP-Link v1',
    parser: 'tplink',
    endians: both,
    image: () =>
      buildTplinkV1Image(
        { version: 1, vendor: 'TP-LINK', versionText: 'ver. 1.0', hardwareId: 1, hardwareRevision: 1 },
        tplinkBody(),
      ),
    refusal: 'no TP-Link header at the start of firmware',
  },
  {
    name: 'TP-Link v2',
    parser: 'tplink',
    endians: both,
    image: (littleEndian) =>
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
    refusal: 'no TP-Link header at the start of firmware',
  },
  {
    name: 'Seama',
    parser: 'seama',
    endians: both,
    image: () => atBlock(buildSeama(['dev=/dev/mtdblock/1'], kernel), 0x80000),
    refusal: 'no Seama header at the start of firmware',
  },
  {
    name: 'TRX of OpenWrt',
    parser: 'trx',
    // Its kernel code reads the offsets without a swap.
    endians: ['little'],
    image: trx,
    refusal: 'no TRX header at the start of any erase block of firmware',
  },
  {
    name: 'TRX of the mainline',
    parser: 'mainline-trx',
    endians: both,
    image: trx,
    refusal: 'no TRX header at the start of firmware',
  },
  {
    name: 'WRGG',
    parser: 'wrgg',
    endians: both,
    image: () => atBlock(buildWrgg({ signature: 'test', device: '/dev/mtdblock/1' }, kernel), 0x80000),
    refusal: 'no WRGG header at the start of firmware',
  },
  {
    name: 'FIT',
    parser: 'fit',
    endians: ['little'],
    image: () => fit(0x90000),
    refusal: 'no FIT image at the start of any erase block of firmware',
  },
  {
    name: 'bare LZMA',
    parser: 'lzma',
    endians: both,
    image: lzma,
    refusal: 'no LZMA stream at the start of firmware',
  },
  { name: 'ELF', parser: 'elf', endians: both, image: elf, refusal: 'no ELF file at the start of firmware' },
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
  branch: BranchName = '25.12',
): readonly string[] {
  return problemsOf(runSteps(steps, { profile, image, branch }));
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

const cases = forms.flatMap((form) =>
  form.endians.flatMap((endian) =>
    (['nested', 'by-name'] as const).map((mode) => ({ ...form, endian, mode })),
  ),
);

describe.each(cases)(
  '$name on a $endian-endian board, split $mode',
  ({ parser, image, refusal, endian, mode }) => {
    test('boots, keeps settings in an upgrade, and is reset', () => {
      const profile = boardOf(parser, mode, endian);
      expect(problemsOn(profile, image(endian === 'little'), life)).toEqual([]);
    });

    test('is not started without its header, and the reason names what is missing', () => {
      const profile = boardOf(parser, mode, endian);
      const chip = chipFromImage(profile, image(endian === 'little'));
      const device = new Device({ profile, chip });
      writeFromOutside(device, 'firmware', 0, () => new Uint8Array(64));
      expect(boot(device)).toEqual({ kind: 'no-boot', stage: 'boot-loader', reason: refusal });
    });

    test('does not come up without its root, and the reason says so', () => {
      const profile = boardOf(parser, mode, endian);
      const bytes = image(endian === 'little');
      const device = new Device({ profile, chip: chipFromImage(profile, bytes) });
      writeFromOutside(device, 'firmware', Buffer.from(bytes).indexOf('hsqs'), () => new Uint8Array(4));
      const result = boot(device);
      expect(result.kind === 'no-boot' && result.reason).toMatch(
        /^(no rootfs|rootfs holds no squashfs|CRC of the TRX: wrong)/,
      );
    });
  },
);

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
