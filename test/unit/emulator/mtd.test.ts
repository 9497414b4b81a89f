import { expect, test } from 'vitest';
import {
  blockDeviceWrite,
  markForFormat,
  mtdErase,
  mtdWrite,
  startsWithEndMarker,
} from '../../../tools/emulator/mtd.js';
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

function image(blocks: number, markerAt?: number): Uint8Array {
  const bytes = new Uint8Array(blocks * eraseSize).fill(0x11);
  if (markerAt !== undefined) bytes.set([0xde, 0xad, 0xc0, 0xde], markerAt * eraseSize);
  return bytes;
}

const carrier = (count: number) => (size: number) =>
  Array.from({ length: count }, (_, i) => new Uint8Array(size).fill(0xa0 + i));

test('a short last block is filled up with FF, and blocks behind the image stay', () => {
  const { part } = partition(3);
  const report = mtdWrite(part, image(1).subarray(0, 100));
  expect(report.blocksWritten).toBe(1);
  expect([...part.read(99, 3)]).toEqual([0x11, 0xff, 0xff]);
  expect(part.read(eraseSize, 1)[0]).toBe(0x5a);
});

test('settings go where the marker stood; as many image blocks less one are dropped', () => {
  const { part } = partition(8);
  const bytes = image(6, 2);
  bytes.fill(0x77, 5 * eraseSize);
  const report = mtdWrite(part, bytes, { carrier: carrier(3) });
  expect(report).toEqual({
    blocksWritten: 6,
    carrierOffset: 2 * eraseSize,
    carrierBlocksLost: 0,
    outOfSpace: false,
  });
  expect([1, 2, 3, 4, 5, 6].map((block) => part.read(block * eraseSize, 1)[0])).toEqual([
    0x11, 0xa0, 0xa1, 0xa2, 0x77, 0x5a,
  ]);
});

test('without a marker at an erase block the settings are not inserted', () => {
  const { part } = partition(4);
  expect(mtdWrite(part, image(2), { carrier: carrier(2) }).carrierOffset).toBeUndefined();
});

test('settings that do not fit the partition are cut without an error', () => {
  const { part } = partition(4);
  const report = mtdWrite(part, image(3, 2), { carrier: carrier(4) });
  expect(report.carrierBlocksLost).toBe(2);
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
