/** Every vendor header against the bytes of the original tools; see the module's SPEC.md. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseRecipe, runRecipe } from '../../../tools/firmware/index.js';
import { buildCombined, readCombined } from '../../../tools/firmware/combined.js';
import { readFit } from '../../../tools/firmware/fit.js';
import { buildLxl, readLxl } from '../../../tools/firmware/luxul.js';
import { readChk } from '../../../tools/firmware/netgear-chk.js';
import { buildDni, readDni } from '../../../tools/firmware/netgear-dni.js';
import { readSafeloader } from '../../../tools/firmware/safeloader.js';
import { readSeama } from '../../../tools/firmware/seama.js';
import { markerBlob } from '../../../tools/firmware/steps/trx.js';
import { buildTrx, readTrx } from '../../../tools/firmware/trx.js';
import { buildWrgg, readWrgg } from '../../../tools/firmware/wrgg.js';
import { requires, tool } from '../../support/requires.js';
import { hex, kernelInput, rootfsInput, stepContext, thrownBy, tinyInput } from './vectors.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();

const run = (recipe: string, file: Uint8Array, board = {}, context = {}): Uint8Array => {
  const { steps, faults } = parseRecipe(recipe);
  expect(faults).toEqual([]);
  return runRecipe(steps, stepContext(context, board), file);
};
const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

describe('TRX', () => {
  const file = (data: Uint8Array) => ({ kind: 'file', data }) as const;

  test('has the bytes of the trx tool', () => {
    const trx = buildTrx([file(tinyInput), { kind: 'align', unit: 1024 }, file(tinyInput)]);
    expect(trx.length).toBe(4096);
    expect(hex(trx.subarray(0, 28))).toBe('4844523000100000a3f2ae0f000001001c0000000004000000000000');
  });

  test('is read back in both versions, and a flipped bit breaks its checksum', () => {
    for (const version of [1, 2] as const) {
      const trx = buildTrx([file(kernelInput), file(rootfsInput)], { version });
      const { header, crcOk, parts, headerSize } = readTrx(trx);
      expect([header.version, crcOk]).toEqual([version, true]);
      expect(parts.map(({ offset }) => offset)).toEqual([headerSize, headerSize + 6000]);
      expect(readTrx(flipped(trx, 100)).crcOk).toBe(false);
      expect(readTrx(trx.subarray(0, 4096)).crcOk).toBe(false);
    }
  });

  test('a limit, too many parts and an impossible version are refused', () => {
    expect(thrownBy(() => buildTrx([file(rootfsInput)], { limit: 8192 }))).toMatchObject({
      code: 'FW_BUDGET_CHECK_SIZE',
      data: { overBy: 4096 },
    });
    expect(thrownBy(() => buildTrx(Array.from({ length: 4 }, () => file(tinyInput))))).toMatchObject({
      code: 'FW_FIRMWARE_FIELD',
    });
    expect(thrownBy(() => readTrx(flipped(buildTrx([file(tinyInput)]), 15)))).toMatchObject({
      code: 'FW_FIRMWARE_FIELD',
    });
  });

  test('the blob of markers has one on every usual erase block', () => {
    const blob = markerBlob();
    expect(blob.length).toBe(0x40004);
    for (const at of [0, 0x1000, 0x2000, 0x4000, 0x10000, 0x20000, 0x40000])
      expect(hex(blob.subarray(at, at + 4))).toBe('deadc0de');
  });

  test('the steps place kernel and root where the boards look', () => {
    const serial = readTrx(run('append-rootfs | trx-serial', new Uint8Array(0)));
    expect(serial.parts.map(({ offset }) => offset)).toEqual([28, 6144]);
    const ramips = readTrx(run('trx', new Uint8Array(0), { imageSize: 0x10000 }));
    expect(ramips.parts.map(({ offset }) => offset)).toEqual([28, 6028]);
  });
});

describe('Netgear CHK', () => {
  const board = { headers: { netgear: { board_id: 'U12H155T00_NETGEAR', region: 2 } } };

  test('has the bytes of mkchkimg', () => {
    const chk = run('netgear-chk', tinyInput, board);
    expect(hex(chk.subarray(0, 40))).toBe(
      '2a23245e0000003a02636363636363630ad402bc0000000000000007000000000ad402bc48c00bb3',
    );
    expect(readChk(chk)).toMatchObject({
      boardId: 'U12H155T00_NETGEAR',
      headerOk: true,
      kernelOk: true,
      imageOk: true,
    });
  });

  test('a flipped bit is told from the checksum it breaks', () => {
    const chk = run('netgear-chk', tinyInput, board);
    expect(readChk(flipped(chk, 50))).toMatchObject({ headerOk: false, kernelOk: true });
    expect(readChk(flipped(chk, 60))).toMatchObject({ headerOk: true, kernelOk: false, imageOk: false });
    expect(readChk(chk.subarray(0, 60)).kernelOk).toBe(false);
  });
});

describe('Netgear DNI', () => {
  test('has the bytes of mkdniimg', () => {
    const dni = buildDni(
      { device: 'WNDR3800', version: 'VOpenWrt.r0', region: '', hardwareId: '29763654+16+128' },
      tinyInput,
    );
    expect(dni.length).toBe(136);
    expect(dni[135]).toBe(0x44);
    expect(readDni(dni)).toMatchObject({
      header: { device: 'WNDR3800', version: 'VOpenWrt.r0', hardwareId: '29763654+16+128' },
      checksumOk: true,
    });
    expect(readDni(flipped(dni, 130)).checksumOk).toBe(false);
  });
});

describe('Seama', () => {
  const board = { headers: { seama: { signature: 'wrgac37_dlink.2013gui_dir859', mtdblock: 1 } } };

  test('entity and seal have the bytes of seama', () => {
    const entity = run('seama', tinyInput, board);
    expect(hex(entity.subarray(0, 28))).toBe('5ea3a41700000024000000077ac66c0f148de9519b8bd264312c4d64');
    expect(entity.length).toBe(64 + 7);
    const sealed = run('seama | seama-seal', tinyInput, board);
    expect(hex(sealed.subarray(0, 12))).toBe('5ea3a4170000002800000000');
    const seal = readSeama(sealed);
    expect([seal.kind, seal.meta, seal.digestOk]).toEqual([
      'seal',
      ['signature=wrgac37_dlink.2013gui_dir859'],
      undefined,
    ]);
    expect(readSeama(sealed, seal.imageOffset)).toMatchObject({
      kind: 'entity',
      digestOk: true,
      imageSize: 7,
    });
  });

  test('a flipped bit, a cut image and a missing entity are seen', () => {
    const entity = run('seama', tinyInput, board);
    expect(readSeama(flipped(entity, 66)).digestOk).toBe(false);
    expect(readSeama(entity.subarray(0, 68)).digestOk).toBe(false);
    expect(thrownBy(() => readSeama(entity.subarray(0, 30)))).toMatchObject({
      code: 'FW_FIRMWARE_TRUNCATED',
    });
    expect(thrownBy(() => run('seama-seal', tinyInput, board))).toMatchObject({ code: 'FW_FIRMWARE_STEP' });
  });
});

test('WRGG: built and read back; the digest covers device and image', () => {
  const image = buildWrgg({ signature: 'wrgn23_dlwbr_dir300b', device: '/dev/mtdblock/2' }, tinyInput);
  expect(readWrgg(image)).toMatchObject({ header: { size: 7, device: '/dev/mtdblock/2' }, digestOk: true });
  expect(readWrgg(flipped(image, 0x31)).digestOk).toBe(false);
  expect(readWrgg(flipped(image, 100)).digestOk).toBe(false);
});

test('Luxul LXL: version 1 is 32 bytes and names the board', () => {
  const image = buildLxl('XAP-1610', tinyInput);
  expect(image.length).toBe(39);
  expect(readLxl(image)).toEqual({ version: 1, headerSize: 32, board: 'XAP-1610', isVendorFirmware: false });
  expect(thrownBy(() => readLxl(image.subarray(0, 20)))).toMatchObject({ code: 'FW_FIRMWARE_FIELD' });
});

test('combined image: parts on 64 KiB, digest over both', () => {
  const image = buildCombined(kernelInput, rootfsInput);
  expect(image.length).toBe(3 * 0x10000);
  expect(readCombined(image)).toEqual({
    kernel: { offset: 0x10000, size: 0x10000 },
    rootfs: { offset: 0x20000, size: 0x10000 },
    digestOk: true,
  });
  expect(readCombined(flipped(image, 0x10001)).digestOk).toBe(false);
});

describe('SafeLoader', () => {
  const board = { headers: { safeloader: { board: 'ARCHER-C7-V5' } } };

  test('the factory image lists its parts, and kernel and root stand where it says', () => {
    const image = run('append-rootfs | tplink-safeloader factory', new Uint8Array(0), board);
    const { digestOk, parts, size, partitions } = readSafeloader(image);
    expect([digestOk, size]).toEqual([true, image.length]);
    expect(parts.map(({ name }) => name)).toEqual([
      'partition-table',
      'soft-version',
      'support-list',
      'os-image',
      'file-system',
      'extra-para',
    ]);
    const kernel = parts[3];
    expect(
      Buffer.from(image.subarray(kernel?.offset, (kernel?.offset ?? 0) + 6000)).equals(kernelInput),
    ).toBe(true);
    expect(partitions.find(({ name }) => name === 'file-system')).toMatchObject({ base: 0xd0000 });
    expect(readSafeloader(flipped(image, 0x2000)).digestOk).toBe(false);
  });

  test('the upgrade image is kernel and root back to back, with a marker on the next erase block of the flash', () => {
    const image = run('append-rootfs | tplink-safeloader sysupgrade', new Uint8Array(0), board);
    expect(Buffer.from(image.subarray(0, 6000)).equals(kernelInput)).toBe(true);
    expect(Buffer.from(image.subarray(6000, 16000)).equals(rootfsInput)).toBe(true);
    expect(image.length).toBe(0x10004);
    expect(hex(image.subarray(-4))).toBe('deadc0de');
  });

  test('a root over its partition is refused with the figures', () => {
    const rootfs = new Uint8Array(0xf00000);
    expect(thrownBy(() => run('tplink-safeloader sysupgrade', rootfs, board))).toMatchObject({
      code: 'FW_BUDGET_CHECK_SIZE',
    });
  });
});

test('xor-image has the bytes of the original', () => {
  expect(hex(run('xor-image -p xy', tinyInput))).toBe('191b1b1d1d1f1f');
  expect(hex(run('xor-image -p 7879 -x', tinyInput))).toBe('191b1b1d1d1f1f');
});

test('a refused step says why and by which code', () => {
  expect(thrownBy(() => run('append-ubi', tinyInput))).toMatchObject({ code: 'FW_FIRMWARE_STEP_REFUSED' });
});

requires(tool('dumpimage'))('dumpimage reads our FIT and verifies its hashes', () => {
  const image = run('fit none', kernelInput, { arch: 'arm_cortex-a7_neon-vfpv4' }, { deviceTree: tinyInput });
  expect(readFit(image).images.map(({ name, hashes }) => [name, hashes.map(({ ok }) => ok)])).toEqual([
    ['kernel-1', [true, true]],
    ['fdt-1', [true, true]],
  ]);
  writeFileSync(join(folder, 'fit'), image);
  const listing = execFileSync('dumpimage', ['-l', join(folder, 'fit')], { encoding: 'utf8' });
  expect(listing).toContain('Image 0 (kernel-1)');
  expect(listing).toContain("Default Configuration: 'config-1'");
  execFileSync('dumpimage', ['-T', 'flat_dt', '-p', '0', '-o', join(folder, 'kernel'), join(folder, 'fit')]);
  expect(execFileSync('cat', [join(folder, 'kernel')]).equals(kernelInput)).toBe(true);
});

requires(tool('dumpimage'))(
  'dumpimage reads our FIT with data outside of the tree, and verifies its hashes',
  () => {
    for (const recipe of ['fit none external', 'fit none external static']) {
      const image = run(recipe, kernelInput, { arch: 'arm_cortex-a7_neon-vfpv4' }, { deviceTree: tinyInput });
      const { images } = readFit(image);
      expect(images.map(({ offset, size, external }) => [offset, size, external])).toEqual([
        [0x1000, 6000, true],
        [0x3000, 7, true],
      ]);
      expect(images.flatMap(({ hashes }) => hashes.map(({ ok }) => ok))).toEqual([true, true, true, true]);
      writeFileSync(join(folder, 'fit'), image);
      const [output, input] = [join(folder, 'kernel'), join(folder, 'fit')];
      execFileSync('dumpimage', ['-T', 'flat_dt', '-p', '0', '-o', output, input]);
      expect(execFileSync('cat', [output]).equals(kernelInput)).toBe(true);
    }
  },
);

requires(tool('tar'))("GNU tar with OpenWrt's options writes the same sysupgrade tar", () => {
  const inside = join(folder, 'sysupgrade-acme_board-1');
  execFileSync('mkdir', ['-m', '755', inside]);
  writeFileSync(join(inside, 'CONTROL'), 'BOARD=acme_board-1\n', { mode: 0o644 });
  writeFileSync(join(inside, 'kernel'), kernelInput, { mode: 0o644 });
  writeFileSync(join(inside, 'root'), Buffer.concat([rootfsInput, Buffer.alloc(240)]), { mode: 0o644 });
  const options = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@1700000000'];
  const theirs = execFileSync(
    'tar',
    ['-c', '--format=gnu', ...options, '-C', folder, 'sysupgrade-acme_board-1'],
    {
      maxBuffer: 1e8,
    },
  );
  const ours = run('sysupgrade-tar', new Uint8Array(0));
  expect(theirs.equals(ours)).toBe(true);
});
