import { expect, test } from 'vitest';
import { crc32, FormatError } from '../../../tools/core/index.js';
import { firmwareContent } from '../../../tools/firmware/index.js';
import { buildDni } from '../../../tools/firmware/netgear-dni.js';
import { buildSysupgradeTar } from '../../../tools/firmware/sysupgrade-tar.js';
import { noise } from '../../support/image-inputs.js';
import { thrownBy } from './vectors.js';

const board = {
  flash: { size: 0x800000 },
  partitions: [
    { label: 'uboot', offset: 0x0, size: 0x20000 },
    { label: 'firmware', offset: 0x20000, size: 0x7e0000 },
  ],
};
const refusal = { code: 'FW_FIRMWARE_OTHER_WAY' };
const fit = Uint8Array.of(0xd0, 0x0d, 0xfe, 0xed);

/** An erase counter header of UBI, with its checksum. */
function ubiBlock(): Uint8Array {
  const block = Buffer.alloc(0x800);
  block.write('UBI#', 0, 'latin1');
  block[4] = 1;
  block.writeUInt32BE((crc32(block.subarray(0, 60)) ^ 0xffffffff) >>> 0, 60);
  return block;
}

test('an image that begins with what fills the partition before firmware is refused', () => {
  const image = Buffer.concat([noise(0x20000, 1), fit, noise(1000, 2)]);
  const error = thrownBy(() => firmwareContent(image, board));
  expect(error).toBeInstanceOf(FormatError);
  expect(error).toMatchObject({ ...refusal, data: { offset: 0x20000 } });
});

test('an image that begins with a FIT is one for firmware, whatever stands in its midst', () => {
  const image = Buffer.concat([fit, noise(0x20000 - 4, 1), fit, noise(1000, 2)]);
  expect(firmwareContent(image, board)).toBe(image);
});

test('a sysupgrade tar is refused', () => {
  const image = buildSysupgradeTar({ board: 'acme', time: 0, kernel: noise(100, 1) });
  expect(thrownBy(() => firmwareContent(image, board))).toMatchObject(refusal);
});

test('a kernel with UBI behind it is refused, plain and in the container of a vendor', () => {
  const image = Buffer.concat([noise(0x1800, 3), ubiBlock(), noise(0x800, 4)]);
  expect(thrownBy(() => firmwareContent(image, board))).toMatchObject({
    ...refusal,
    data: { offset: 0x1800 },
  });
  const dni = buildDni({ device: 'WNDR4300', version: 'r0', region: '' }, image);
  expect(thrownBy(() => firmwareContent(dni, board))).toMatchObject(refusal);
});

test('the letters of UBI without its checksum are no UBI', () => {
  const image = Buffer.concat([noise(0x800, 3), ubiBlock()]);
  image.writeUInt8(7, 0x800 + 20);
  expect(firmwareContent(image, board)).toBe(image);
});
