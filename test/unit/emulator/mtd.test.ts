import { expect, test } from 'vitest';
import {
  blockDeviceWrite,
  markForFormat,
  mtdErase,
  mtdWrite,
  startsWithEndMarker,
} from '../../../tools/emulator/device/mtd.js';
import { FlashPartition, NorChip, norGeometry, PowerCut } from '../../../tools/flash/index.js';

const eraseSize = 4096;

function partition(blocks: number, fill = 0x5a): { chip: NorChip; part: FlashPartition } {
  const size = blocks * eraseSize;
  const chip = new NorChip({
    geometry: norGeometry(size, eraseSize),
    content: new Uint8Array(size).fill(fill),
  });
  return { chip, part: new FlashPartition(chip, { label: 'firmware', offset: 0, size }) };
}

function image(blocks: number): Uint8Array {
  return new Uint8Array(blocks * eraseSize).fill(0x11);
}

test('a short last block is filled up with FF, and blocks behind the image stay', () => {
  const { part } = partition(3);
  const report = mtdWrite(part, image(1).subarray(0, 100));
  expect(report.blocksWritten).toBe(1);
  expect([...part.read(99, 3)]).toEqual([0x11, 0xff, 0xff]);
  expect(part.read(eraseSize, 1)[0]).toBe(0x5a);
});

test('an image larger than the partition stops with an error after what fits', () => {
  const { part } = partition(2);
  expect(mtdWrite(part, image(3))).toMatchObject({ blocksWritten: 2, outOfSpace: true });
});

test('the marker of a reset keeps the rest of the first block', () => {
  const { part } = partition(2);
  markForFormat(part);
  expect(startsWithEndMarker(part.block(0))).toBe(true);
  expect(part.read(4, 1)[0]).toBe(0x5a);
  expect(part.read(eraseSize, 1)[0]).toBe(0x5a);
});

test('a cut between erase and program of the marker leaves the first block blank', () => {
  const { chip, part } = partition(2);
  chip.planPowerCut({ kind: 'before', operation: 1 });
  expect(() => blockDeviceWrite(part, Uint8Array.of(1))).toThrow(PowerCut);
  chip.powerOn();
  expect([...part.read(0, 8)]).toEqual(new Array(8).fill(0xff));
});

test('erase goes over every block', () => {
  const { chip, part } = partition(3);
  mtdErase(part);
  expect(chip.image().every((byte) => byte === 0xff)).toBe(true);
});
