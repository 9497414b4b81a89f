import { expect, test } from 'vitest';
import { branches } from '../../../tools/emulator/branches.js';
import { checkMetadata } from '../../../tools/emulator/upgrade/image-checks.js';

const device = { boardName: 'acme,board', compatVersion: '1.0', requiresMetadata: true };
const keep = { keepSettings: true, ignoreMinorCompat: false };

function reasonsFor(
  metadata: object | string | undefined,
  options = keep,
  branch = branches['25.12'],
): readonly string[] {
  const json = typeof metadata === 'object' ? JSON.stringify(metadata) : metadata;
  return checkMetadata(json, device, branch, options).reasons.map(({ reason }) => reason);
}

test('an image for this board is accepted', () => {
  expect(reasonsFor({ compat_version: '1.0', supported_devices: ['acme,board'] })).toEqual([]);
});

test('an image without metadata is refused only where the target demands it', () => {
  expect(reasonsFor(undefined)).toEqual(['no-metadata']);
  expect(
    checkMetadata(undefined, { ...device, requiresMetadata: false }, branches['25.12'], keep).valid,
  ).toBe(true);
});

test('an image for another board is refused', () => {
  expect(reasonsFor({ supported_devices: ['acme,other'] })).toEqual(['other-device']);
});

test('with another compat version the new device list counts, and the major part must be equal', () => {
  const image = {
    compat_version: '2.0',
    supported_devices: ['wipe your config'],
    new_supported_devices: ['acme,board'],
  };
  expect(reasonsFor(image)).toEqual(['compat-major']);
});

test('another minor compat version is refused only when settings are kept', () => {
  const image = { compat_version: '1.1', new_supported_devices: ['acme,board'] };
  expect(reasonsFor(image)).toEqual(['compat-minor']);
  expect(reasonsFor(image, { keepSettings: false, ignoreMinorCompat: false })).toEqual([]);
  expect(reasonsFor(image, { keepSettings: true, ignoreMinorCompat: true })).toEqual([]);
});

test('19.07 does not know compat versions', () => {
  const image = { compat_version: '2.0', supported_devices: ['acme,board'] };
  expect(reasonsFor(image, keep, branches['19.07'])).toEqual([]);
});

test('metadata that is no JSON object is refused by name', () => {
  expect(reasonsFor('{')).toEqual(['bad-metadata']);
  expect(reasonsFor('{"supported_devices": 3}')).toEqual(['bad-metadata']);
});
