import { expect, test } from 'vitest';
import { compareVersions, versionMeets } from '../../../tools/rootfs/packages/version.js';

test.each([
  ['1.9', '1.10'],
  ['1.0~rc1', '1.0'],
  ['1.0', '1.0a'],
  ['1.0-1', '1.0-2'],
  ['9', '1:1'],
  ['2016-01-10-abc', '2017-01-10-abc'],
  ['1.0a', '1.0+b'],
  ['99999999999999999998', '99999999999999999999'],
])('%s is older than %s', (older, newer) => {
  expect(compareVersions(older, newer)).toBeLessThan(0);
  expect(compareVersions(newer, older)).toBeGreaterThan(0);
  expect(compareVersions(older, older)).toBe(0);
});

test('conditions read as opkg reads them', () => {
  expect(
    ['=', '<<', '<', '<=', '>', '>=', '>>'].filter((operator) => versionMeets('1', operator, '1')),
  ).toEqual(['=', '<', '<=', '>', '>=']);
});
