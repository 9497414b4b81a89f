import { expect, test } from 'vitest';
import { formatSize, groupDigits, parseSize, roundUp } from '../../../tools/core/index.js';

test('sizes are read with 1024-based units and hexadecimal', () => {
  expect(['4k', '64 KiB', '16m', '0x20000', '12'].map(parseSize)).toEqual([
    4096, 65536, 16777216, 131072, 12,
  ]);
  expect([parseSize('4 x'), parseSize('')]).toEqual([undefined, undefined]);
});

test('sizes are written for people', () => {
  expect([65536, 1536, 12, 3 * 1024 ** 2].map(formatSize)).toEqual(['64 KiB', '1.50 KiB', '12 B', '3 MiB']);
  expect(groupDigits(4521984)).toBe('4 521 984');
});

test('rounding up takes any unit', () => {
  expect(roundUp(10, 3)).toBe(12);
  expect(roundUp(0, 65536)).toBe(0);
});
