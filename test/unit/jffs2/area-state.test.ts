import { expect, test } from 'vitest';
import { norGeometry } from '../../../tools/flash/index.js';
import { areaKind, blankJffs2, writeJffs2 } from '../../../tools/jffs2/index.js';
import { noise, sampleTree } from '../../support/jffs2-trees.js';

const geometry = norGeometry(32 * 65536, 65536);
const nand = { kind: 'nand', size: 32 * 16384, eraseSize: 16384, writeSize: 512, oobSize: 16 } as const;

function areaOf(start: Uint8Array): Uint8Array {
  const area = blankJffs2(geometry, 'erased', 'little');
  area.set(start);
  return area;
}

test('an erased area is blank, and one with an end marker is that, whatever stands behind', () => {
  expect(areaKind(blankJffs2(geometry, 'erased', 'big'), 'big')).toBe('blank');
  const marked = blankJffs2(geometry, 'end-marker', 'big');
  marked.set(noise(5000, 1), 70_000);
  expect(areaKind(marked, 'big')).toBe('end-marker');
});

test('a formatted area is JFFS2 in its own byte order only', () => {
  const area = blankJffs2(geometry, 'formatted', 'big');
  expect(areaKind(area, 'big')).toBe('jffs2');
  expect(areaKind(area, 'little')).toBe('foreign');
});

test('an area with files is JFFS2', () => {
  const image = writeJffs2(sampleTree(), { endian: 'little', eraseSize: 65536 });
  expect(areaKind(areaOf(image), 'little')).toBe('jffs2');
});

test('a snapshot and foreign data are told apart', () => {
  expect(areaKind(areaOf(Buffer.from('OWRT')), 'little')).toBe('snapshot');
  expect(areaKind(areaOf(noise(9000, 2)), 'little')).toBe('foreign');
});

test('on NAND the cleanmarker in the spare bytes makes an erased area JFFS2', () => {
  const area = blankJffs2(nand, 'formatted', 'little');
  expect(area.every((byte) => byte === 0xff)).toBe(true);
  expect(areaKind(area, 'little')).toBe('blank');
  expect(areaKind(area, 'little', Uint8Array.of(0xff, 0xff, 0x85, 0x19))).toBe('jffs2');
  expect(areaKind(area, 'little', Uint8Array.of(0x85, 0x19, 0x03, 0x20))).toBe('jffs2');
});
