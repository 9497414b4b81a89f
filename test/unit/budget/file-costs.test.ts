import { expect, test } from 'vitest';
import { fc } from '@fast-check/vitest';
import { fileCosts } from '../../../tools/budget/index.js';
import { byteStringFromText } from '../../../tools/core/index.js';

const block = (offset: number, size: number): { offset: number; size: number; compressed: boolean } => ({
  offset,
  size,
  compressed: true,
});
const file = (
  path: string,
  blocks: ReturnType<typeof block>[],
  fragment?: { index: number; size: number },
): Parameters<typeof fileCosts>[0]['files'][number] => ({
  paths: [byteStringFromText(path)],
  size: 0,
  blocks,
  fragment,
});

test('own blocks count whole, shared ones equally, fragments by the bytes in them', () => {
  const costs = fileCosts({
    files: [
      file('/own', [block(100, 50), block(150, 10)]),
      file('/one', [block(200, 31)]),
      file('/two', [block(200, 31)]),
      file('/long', [], { index: 0, size: 300 }),
      file('/short', [], { index: 0, size: 100 }),
    ],
    fragments: [block(300, 80)],
  });
  expect(Object.fromEntries(costs.map(({ path, stored }) => [path, stored]))).toEqual({
    '/own': 60,
    '/one': 16,
    '/two': 15,
    '/long': 60,
    '/short': 20,
  });
  expect(costs.map(({ path }) => path)).toEqual(['/long', '/own', '/short', '/one', '/two']);
});

test('the costs add up to the stored bytes exactly', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.record({ index: fc.nat(5), size: fc.integer({ min: 1, max: 9999 }) }), { minLength: 1 }),
      (sizes, tails) => {
        const fragments = sizes.map((size, i) => block(i * 10_000, size));
        const files = tails.map((tail, i) =>
          file(`/f${i}`, [], { ...tail, index: tail.index % fragments.length }),
        );
        const used = new Set(files.map(({ fragment }) => fragment?.index));
        const expected = sizes.reduce((sum, size, i) => sum + (used.has(i) ? size : 0), 0);
        const total = fileCosts({ files, fragments }).reduce((sum, { stored }) => sum + stored, 0);
        expect(total).toBe(expected);
      },
    ),
  );
});
