import { fc } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { apportion } from '../../../tools/budget/apportion.js';

test('shares add up to the total and are at most 1 away from their exact part', () => {
  fc.assert(
    fc.property(fc.nat(10_000_000), fc.array(fc.nat(100_000), { minLength: 1 }), (total, weights) => {
      const shares = apportion(total, weights);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBe(total);
      const sum = weights.reduce((all, weight) => all + weight, 0);
      if (sum === 0) return;
      for (const [i, share] of shares.entries()) {
        expect(Math.abs(share - (total * (weights[i] ?? 0)) / sum)).toBeLessThan(1);
      }
    }),
  );
});

test('the largest remainder gets the byte that is left, and the first of equal ones', () => {
  expect(apportion(10, [1, 1, 1])).toEqual([4, 3, 3]);
  expect(apportion(7, [3, 1])).toEqual([5, 2]);
  expect(apportion(5, [0, 0])).toEqual([5, 0]);
  expect(apportion(5, [])).toEqual([]);
});
