import { expect, test } from 'vitest';
import { norGeometry } from '../../../tools/flash/index.js';
import { areaState, blankJffs2, predictFirstMount, writeJffs2 } from '../../../tools/jffs2/index.js';
import { noise, sampleTree } from '../../support/jffs2-trees.js';

const geometry = norGeometry(32 * 65536, 65536);
const nand = { kind: 'nand', size: 32 * 16384, eraseSize: 16384, writeSize: 512, oobSize: 16 } as const;

function areaOf(start: Uint8Array): Uint8Array {
  const area = blankJffs2(geometry, 'erased', 'little');
  area.set(start);
  return area;
}

test('a blank area and one with an end marker will be formatted and are all free', () => {
  const firstMount = predictFirstMount(geometry);
  expect(areaState(blankJffs2(geometry, 'erased', 'big'), geometry, 'big')).toMatchObject({
    kind: 'blank',
    firstMount,
  });
  const marked = blankJffs2(geometry, 'end-marker', 'big');
  marked.set(noise(5000, 1), 70_000);
  expect(areaState(marked, geometry, 'big')).toMatchObject({ kind: 'end-marker', firstMount });
});

test('a formatted area is JFFS2 without files, in its own byte order only', () => {
  const area = blankJffs2(geometry, 'formatted', 'big');
  const state = areaState(area, geometry, 'big');
  expect(state).toMatchObject({ kind: 'jffs2', isSwapped: false, firstMount: predictFirstMount(geometry) });
  expect(state.scan?.report.blocks.every((block) => block.state === 'free')).toBe(true);
  expect(areaState(area, geometry, 'little')).toMatchObject({
    ...{ kind: 'foreign', isSwapped: true, firstMount: { mountable: false, freeBytes: 0 } },
  });
});

test('files take their space from the prediction', () => {
  const image = writeJffs2(sampleTree(), { endian: 'little', eraseSize: 65536 });
  const { kind, firstMount, scan } = areaState(areaOf(image), geometry, 'little');
  expect(kind).toBe('jffs2');
  const used = predictFirstMount(geometry).freeBytes - firstMount.freeBytes;
  expect(Math.abs(used - (scan?.report.liveBytes ?? 0))).toBeLessThan(4096);
});

test('a snapshot and foreign data are not mountable', () => {
  expect(areaState(areaOf(Buffer.from('OWRT')), geometry, 'little')).toMatchObject({
    ...{ kind: 'snapshot', firstMount: { mountable: false } },
  });
  expect(areaState(areaOf(noise(9000, 2)), geometry, 'little')).toMatchObject({
    ...{ kind: 'foreign', isSwapped: false, refusal: 'foreign data without an end marker' },
  });
});

test('on NAND the cleanmarker in the spare bytes makes an erased area JFFS2', () => {
  const area = blankJffs2(nand, 'formatted', 'little');
  expect(area.every((byte) => byte === 0xff)).toBe(true);
  expect(areaState(area, nand, 'little').kind).toBe('blank');
  expect(areaState(area, nand, 'little', Uint8Array.of(0xff, 0xff, 0x85, 0x19)).kind).toBe('jffs2');
  expect(areaState(area, nand, 'little', Uint8Array.of(0x85, 0x19, 0x03, 0x20)).kind).toBe('jffs2');
});

test('fewer than five blocks are not mountable', () => {
  const tiny = norGeometry(4 * 65536, 65536);
  expect(areaState(blankJffs2(tiny, 'formatted', 'little'), tiny, 'little')).toMatchObject({
    ...{ kind: 'jffs2', firstMount: { mountable: false }, refusal: '4 erase blocks; Linux needs 5' },
  });
});
