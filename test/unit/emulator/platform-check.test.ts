import { expect, test } from 'vitest';
import { buildTrx } from '../../../tools/firmware/index.js';
import { platformRefusal } from '../../../tools/emulator/upgrade/platform-check.js';
import { profileOf } from '../../support/router-image.js';

const image = new Uint8Array(100);

test('a target that looks at the image refuses one without its header, and takes one with it', () => {
  const profile = profileOf('netgear_wndr3400-v1');
  expect(platformRefusal(image, profile)).toBe('no TRX header at the start of firmware');
  const parts = [image, image].map((data) => ({ kind: 'file', data }) as const);
  expect(platformRefusal(buildTrx(parts), profile)).toBeUndefined();
});

test('most targets take what the metadata lets through', () => {
  expect(platformRefusal(image, profileOf('ubnt_unifi-ap'))).toBeUndefined();
});
