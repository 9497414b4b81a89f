import { expect, test } from 'vitest';
import { contentKey, NorChip, norGeometry } from '../../../tools/flash/index.js';

const geometry = norGeometry(2 * 4096, 4096);

test('chips of the same content have the same key, however they came to it', () => {
  const one = new NorChip({ geometry });
  one.program(10, Uint8Array.of(1, 2));
  one.program(12, Uint8Array.of(3));
  const other = new NorChip({ geometry, content: Uint8Array.of(0) });
  other.erase(0);
  other.program(10, Uint8Array.of(1, 2, 3));
  expect(contentKey(one)).toBe(contentKey(other));
});

test('a chip that changed has another key, and its old one when it is put back', () => {
  const chip = new NorChip({ geometry });
  const before = chip.snapshot();
  const key = contentKey(chip);
  chip.program(4096, Uint8Array.of(0xfe));
  const changed = contentKey(chip);
  expect(changed).not.toBe(key);
  chip.program(4096, Uint8Array.of(0xfc));
  expect(contentKey(chip)).not.toBe(changed);
  chip.rollback(before);
  expect(contentKey(chip)).toBe(key);
});

test('the same bytes in another block are another content', () => {
  const one = new NorChip({ geometry });
  const other = new NorChip({ geometry });
  one.program(0, Uint8Array.of(0));
  other.program(4096, Uint8Array.of(0));
  expect(contentKey(one)).not.toBe(contentKey(other));
});
