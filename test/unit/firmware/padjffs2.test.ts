import { expect, test } from 'vitest';
import { endMarker, markerOffsets, padJffs2 } from '../../../tools/firmware/index.js';

const all = [4, 8, 16, 64, 128, 256];
/** Vectors of the original tool: length, alignments in KiB, bytes ahead, markers, final length. */
const vectors: [number, number[], number, number[], number][] = [
  [0x123456, all, 0, [0x124000, 0x130000, 0x140000], 0x140004],
  [0x130000, all, 0, [0x130000, 0x140000], 0x140004],
  [0x3f0001, all, 0, [0x3f1000, 0x3f2000, 0x3f4000, 0x400000], 0x400004],
  [0x3f0001, [4, 8, 64, 128], 0, [0x3f1000, 0x3f2000, 0x400000], 0x400004],
  [0x123456, [64], 0, [0x130000], 0x130004],
  [0x130000, [64], 0, [0x130000], 0x130004],
  [0x12fff0, [64], 0, [0x130000], 0x130004],
  [0x123456, [64], 0x40, [0x12ffc0], 0x12ffc4],
];

test.each(vectors)('length 0x%x with alignments %j and 0x%x ahead', (length, kib, ahead, markers, final) => {
  const alignments = kib.map((size) => size * 1024);
  expect(markerOffsets(length, alignments, ahead)).toEqual(markers);
  const padded = padJffs2(new Uint8Array(length), alignments, ahead);
  expect(padded.length).toBe(final);
  for (const offset of markers) expect(padded.slice(offset, offset + 4)).toEqual(endMarker);
  const gap = padded.subarray(length, markers[0]);
  expect(gap.every((byte) => byte === 0xff)).toBe(true);
});
