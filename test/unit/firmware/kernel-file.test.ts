import { expect, test } from 'vitest';
import { stepBoard } from '../../../tools/boards/index.js';
import { loadBoard } from '../../../tools/cli/board-profiles.js';
import {
  appendMetadata,
  buildFit,
  buildUImage,
  refuseForeignKernel,
  refuseImageOfOtherBoard,
} from '../../../tools/firmware/index.js';
import { formatMetadata } from '../../../tools/firmware/fwtool.js';
import { writeDeviceTree } from '../../../tools/firmware/device-tree.js';
import { noise, uImageKernel } from '../../support/image-inputs.js';
import { squashfsSuperBlock } from '../../support/squashfs-super-block.js';
import { thrownBy } from './vectors.js';

const board = stepBoard(loadBoard('ubnt_unifi-ap'));

function imageFor(device: string): Uint8Array {
  return appendMetadata(
    noise(1000),
    formatMetadata({
      supportedDevices: [device],
      compatVersion: '1.0',
      version: { dist: 'OpenWrt', version: '24.10.2', revision: 'r1', target: 'a/b', board: device },
    }),
  );
}

/** The first 64 bytes of an ELF file for a 32-bit machine, and room behind them. */
function elfFile(machine: number, endianness: 'big' | 'little'): Uint8Array {
  const bytes = new Uint8Array(256);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, endianness === 'little' ? 1 : 2, 1]);
  new DataView(bytes.buffer).setUint16(18, machine, endianness === 'little');
  return bytes;
}

test('an image whose metadata names other devices is refused, one of the board is not', () => {
  expect(
    thrownBy(() => {
      refuseImageOfOtherBoard(imageFor('acme,other'), board);
    }),
  ).toMatchObject({
    code: 'FW_FIRMWARE_KERNEL',
    message: 'the kernel file is an image for acme,other, expected a kernel or an image for ubnt,unifi-ap',
    hint: expect.stringContaining('kernel of this board') as string,
  });
  refuseImageOfOtherBoard(imageFor('ubnt,unifi-ap'), board);
  refuseImageOfOtherBoard(noise(1000), board);
});

/** A FIT with a kernel for a CPU, and a device tree beside it. */
function fit(arch: string): Uint8Array {
  return buildFit({
    ...{ description: 'k', time: 0, arch, compression: 'none', load: 0, entry: 0, configuration: 'c' },
    ...{ kernel: noise(500), deviceTree: noise(20) },
  });
}

const deviceTree = writeDeviceTree({
  root: { name: '', properties: new Map(), children: [] },
  ...{ totalSize: 0, bootCpu: 0, reservations: [], strings: new Uint8Array() },
});

const withSquashfs = Buffer.concat([noise(0x12345), squashfsSuperBlock(5000), noise(5000)]);
const tar = Buffer.alloc(1024);
tar.write('sysupgrade-acme/');
tar.write('ustar', 257);
const uImage = (arch: number): Uint8Array =>
  buildUImage(noise(500), { time: 0, load: 0, entry: 0, arch, type: 2, compression: 0, name: 'k' });

test.each([
  ['an image for ubnt,unifi-ap', imageFor('ubnt,unifi-ap')],
  ['an image with a squashfs at 0x12345', withSquashfs],
  ['a tar archive that begins with sysupgrade-acme/', tar],
  ['a uImage for arm', uImage(2)],
  ['a uImage for architecture 99', uImage(99)],
  ['an ELF file for machine 8, little-endian', elfFile(8, 'little')],
  ['an ELF file for machine 40, big-endian', elfFile(40, 'big')],
  ['a FIT for arm64', fit('arm64')],
  ['a device tree without a kernel', deviceTree],
])('%s is no kernel for a big-endian MIPS board', (found, file) => {
  const error = thrownBy(() => {
    refuseForeignKernel(file, board);
  });
  expect(error).toMatchObject({ code: 'FW_FIRMWARE_KERNEL', data: { found } });
});

test.each([
  ['a uImage of the board', uImageKernel(5000)],
  ['an ELF file of the board', elfFile(8, 'big')],
  ['a FIT of the board', fit('mips')],
  ['bytes that only begin like a squashfs', Buffer.concat([noise(512), Buffer.from('hsqs'), noise(512)])],
  ['a squashfs that is cut off', withSquashfs.subarray(0, -200)],
  ['a raw kernel', noise(5000)],
  ['an empty file', new Uint8Array(0)],
])('%s is let through', (_, file) => {
  expect(() => {
    refuseForeignKernel(file, board);
  }).not.toThrow();
});
