/** Boot loaders that check a sum over their image: it is refused when wrong, and shrunk to the kernel by the first boot. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { BoardProfile } from '../../tools/boards/index.js';
import { boot } from '../../tools/emulator/boot/boot.js';
import { checkImage, chipFromImage, Device, parseCutPoint } from '../../tools/emulator/index.js';
import { headerSum, padJffs2 } from '../../tools/firmware/index.js';
import { buildSeama } from '../../tools/firmware/seama.js';
import { buildTrx } from '../../tools/firmware/trx.js';
import { packSquashfs } from '../../tools/squashfs/index.js';
import { noise } from '../support/image-inputs.js';
import { routerTree, smallBoard } from '../support/router-image.js';

const eraseSize = 0x10000;
const kernel = noise(200_000, 5);
let rootfs: Uint8Array;
beforeAll(async () => {
  ({ bytes: rootfs } = await packSquashfs(routerTree(), { compressor: { kind: 'xz' }, imageTime: 0 }));
});

/** As a factory image: the sum covers the end markers too, where the first boot formats. */
function coveredSeama(): Uint8Array {
  const meta = ['dev=/dev/mtdblock/1', 'type=firmware'];
  const headerSize = 64;
  const root = 0x80000 - headerSize;
  const body = Buffer.alloc(root + rootfs.length, 0xff);
  body.set(kernel);
  body.set(rootfs, root);
  return buildSeama(meta, padJffs2(body, [eraseSize], headerSize));
}

function coveredTrx(): Uint8Array {
  return buildTrx([
    { kind: 'file', data: kernel },
    { kind: 'align', unit: eraseSize },
    { kind: 'file', data: rootfs },
    { kind: 'align', unit: eraseSize },
    { kind: 'append', data: padJffs2(Uint8Array.of(0xde, 0xad, 0xc0, 0xde), [eraseSize]) },
  ]);
}

const board = (parser: 'seama' | 'mainline-trx', target: string): BoardProfile =>
  smallBoard({ target, endianness: 'little', split: { mode: 'nested', parser } });

const boards = [
  {
    name: 'Seama',
    profile: board('seama', 'bcm53xx/generic'),
    image: coveredSeama,
    refusal: 'MD5 of the Seama image: wrong',
    end: 0x80000,
  },
  {
    name: 'TRX',
    profile: board('mainline-trx', 'bcm53xx/generic'),
    image: coveredTrx,
    refusal: 'CRC of the TRX: wrong',
    end: 0x40000,
  },
  {
    name: 'TRX of bcm47xx, of which one erase block stays covered',
    profile: board('mainline-trx', 'bcm47xx/generic'),
    image: coveredTrx,
    refusal: 'CRC of the TRX: wrong',
    end: eraseSize,
  },
] as const;

describe.each(boards)('$name', ({ profile, image, refusal, end }) => {
  const sumOf = (device: Device): ReturnType<typeof headerSum> =>
    headerSum(device.firmware().read(0, device.firmware().geometry.size), profile);

  test('the first boot shrinks the sum to the kernel, and the device starts again', () => {
    const device = new Device({ profile, chip: chipFromImage(profile, image()) });
    const dataStart = device.split().rootfsData?.offset ?? 0;
    expect(sumOf(device)?.end).toBeGreaterThan(dataStart);
    expect(boot(device).kind).toBe('running');
    expect(sumOf(device)).toMatchObject({ isRight: true, end });
    expect(device.findings.list().map(({ code }) => code)).toContain('header-rewritten');
    const again = boot(device);
    expect(again).toMatchObject({ kind: 'running', system: { mode: 'jffs2-overlay' } });
    const before = device.firmware().block(0);
    boot(device);
    expect(device.firmware().block(0)).toBe(before);
  });

  test('an image with a wrong sum is refused, on the bench and by the boot loader', () => {
    const damaged = image();
    damaged[0x9000] = (damaged[0x9000] ?? 0) ^ 1;
    expect(() => chipFromImage(profile, damaged)).toThrow(refusal);
    const chip = chipFromImage(profile, image());
    const device = new Device({ profile, chip });
    const { offset } = device.firmware();
    chip.erase(offset);
    chip.program(offset, damaged.subarray(0, eraseSize));
    expect(boot(device)).toMatchObject({ kind: 'no-boot', stage: 'boot-loader', reason: refusal });
  });

  test('the power cut while the header is rewritten needs the boot loader, which helps', async () => {
    const file = image();
    const { cuts, passed } = await checkImage({
      profile,
      image: file,
      replay: parseCutPoint('first-boot:0:after'),
    });
    expect(passed).toBe(true);
    expect(cuts).toMatchObject([{ phase: 'first-boot', outcomes: { recovery: 1 } }]);
    const report = await checkImage({ profile, image: file, powerCuts: 'sample', sampleSize: 12 });
    expect(report.proofs.filter(({ problems }) => problems.length > 0)).toEqual([]);
    expect(report.cuts.flatMap(({ violations }) => violations)).toEqual([]);
  });
});
