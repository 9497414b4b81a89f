import { expect, test } from 'vitest';
import { xxh32 } from '../../support/xxh32.js';

test('the hash used to craft collisions is XXH32', () => {
  // Vectors of the XXH32 specification and its reference implementation.
  expect(xxh32(new Uint8Array(0))).toBe(0x02cc5d05);
  expect(xxh32(Buffer.from('a'))).toBe(0x550d7456);
  expect(xxh32(Buffer.from('abc'))).toBe(0x32d153ff);
  expect(xxh32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f);
});
