import { expect, test } from 'vitest';
import { FlashError, FlashPartition, NorChip, norGeometry } from '../../../tools/flash/index.js';

const ERASE = 4096;
const chip = (): NorChip => new NorChip({ geometry: norGeometry(8 * ERASE, ERASE) });
const codeOf = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    return error instanceof FlashError ? `${error.code} ${error.errno}` : 'other';
  }
  return 'none';
};

test('a partition counts from its own start', () => {
  const device = chip();
  const part = new FlashPartition(device, { label: 'rootfs_data', offset: 2 * ERASE, size: 3 * ERASE });
  part.program(1, new Uint8Array([5]));
  expect(device.read(2 * ERASE + 1, 1)).toEqual(part.read(1, 1));
  expect(part.block(0)).toBe(device.block(2));
  part.erase(0);
  expect(device.wear()[2]).toBe(1);
  expect(part.geometry.size).toBe(3 * ERASE);
});

test('a partition of a partition counts from the outer one', () => {
  const device = chip();
  const firmware = new FlashPartition(device, { label: 'firmware', offset: ERASE, size: 6 * ERASE });
  const inner = new FlashPartition(firmware, { label: 'rootfs_data', offset: 2 * ERASE, size: 4 * ERASE });
  inner.program(0, new Uint8Array([1]));
  expect(device.read(3 * ERASE, 1)).toEqual(new Uint8Array([1]));
});

test.each([
  ['start', { offset: 100, size: ERASE - 100 }, 'does not start on'],
  ['end', { offset: ERASE, size: 100 }, 'does not end on'],
])('a partition off the erase blocks at its %s is read-only', (_where, range, notice) => {
  const device = chip();
  device.program(range.offset, new Uint8Array([9]));
  const part = new FlashPartition(device, { label: 'kernel', ...range });
  expect(part.readOnly).toBe(true);
  expect(part.notices.join()).toContain(notice);
  expect(part.read(0, 1)).toEqual(new Uint8Array([9]));
  expect(codeOf(() => part.program(0, new Uint8Array([0])))).toBe('FW_FLASH_READONLY EROFS');
  expect(codeOf(() => part.erase(0))).toBe('FW_FLASH_READONLY EROFS');
});

test('a partition that ends outside the chip is cut to it', () => {
  const part = new FlashPartition(chip(), { label: 'rootfs', offset: 6 * ERASE, size: 9 * ERASE });
  expect(part.geometry.size).toBe(2 * ERASE);
  expect(part.notices.join()).toContain('truncated');
});

test('a partition that begins outside the chip cannot be', () => {
  expect(codeOf(() => new FlashPartition(chip(), { label: 'x', offset: 8 * ERASE, size: ERASE }))).toBe(
    'FW_FLASH_RANGE EINVAL',
  );
});

test('an access outside the partition is refused, even inside the chip', () => {
  const part = new FlashPartition(chip(), { label: 'x', offset: 0, size: ERASE });
  expect(codeOf(() => part.read(ERASE, 1))).toBe('FW_FLASH_RANGE EINVAL');
  expect(codeOf(() => part.program(ERASE, new Uint8Array(1)))).toBe('FW_FLASH_RANGE EINVAL');
  expect(codeOf(() => part.erase(ERASE))).toBe('FW_FLASH_RANGE EINVAL');
  expect(codeOf(() => part.block(1))).toBe('FW_FLASH_RANGE EINVAL');
});

test('an unaligned partition still gives whole blocks', () => {
  const device = chip();
  device.program(100, new Uint8Array([3]));
  const part = new FlashPartition(device, { label: 'x', offset: 100, size: 2 * ERASE });
  expect(part.block(0)[0]).toBe(3);
  expect(part.block(0).length).toBe(ERASE);
});

test('a declared read-only partition is read-only without a notice', () => {
  const part = new FlashPartition(chip(), { label: 'u-boot', offset: 0, size: ERASE, readOnly: true });
  expect([part.readOnly, part.notices.length]).toEqual([true, 0]);
});
