/** A sample of the power cuts of a union over JFFS2; all: `npx tsx test/sweep/union-jffs2-cuts.ts`. */
import { expect, test } from 'vitest';
import { cutsOnJffs2 } from '../support/union-jffs2-cuts.js';
import { sceneOperations } from '../support/union-scenes.js';

test('after a cut at sampled flash operations, a union over JFFS2 shows the state before or after (union 12, 202, 204, 210, 213)', () => {
  let cuts = 0;
  for (const operation of sceneOperations) {
    const result = cutsOnJffs2(operation, 9, 1);
    expect(result.violations, operation.name).toEqual([]);
    cuts += result.cuts;
  }
  console.log(`k: ${cuts} cuts on JFFS2`);
  expect(cuts).toBeGreaterThan(sceneOperations.length);
});

test('after a second cut during the clean-up after the first, sampled, the same holds (union 204, 210)', () => {
  let cuts = 0;
  for (const operation of sceneOperations) {
    // Directories that are moved are cut everywhere: one can be left under three names.
    const moves = /^rename (pure|d|d\/sub) /.test(operation.name);
    const result = cutsOnJffs2(operation, moves ? 2 : 29, 2);
    expect(result.violations, operation.name).toEqual([]);
    cuts += result.cuts;
  }
  console.log(`k: ${cuts} cuts on JFFS2 with a second one in the clean-up`);
  expect(cuts).toBeGreaterThan(500);
});
