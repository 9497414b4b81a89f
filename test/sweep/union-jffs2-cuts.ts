/**
 * Cuts the power at every flash operation of every operation of a union over JFFS2, and again during the clean-up.
 *
 *     npx tsx test/sweep/union-jffs2-cuts.ts [stride, default 1] [depth 1 or 2, default 1] [operations, such as 0-4, default all]
 */
import { rangeOf } from '../support/ranges.js';
import { cutsOnJffs2 } from '../support/union-jffs2-cuts.js';
import { sceneOperations } from '../support/union-scenes.js';

const [stride = '1', depth = '1', range] = process.argv.slice(2);
const wanted = rangeOf(range, sceneOperations.length);
let total = 0;
for (const operation of sceneOperations.filter((_, number) => wanted(number))) {
  const { cuts, violations } = cutsOnJffs2(operation, Number(stride), depth === '2' ? 2 : 1);
  total += cuts;
  console.log(`${operation.name}: ${cuts} cuts, ${violations.length} violations`);
  for (const { replayId, message } of violations) console.log(`${replayId}: ${message}`);
  if (violations.length > 0) process.exitCode = 1;
}
console.log(`${total} cuts`);
