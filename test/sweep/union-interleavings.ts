/**
 * Explores the interleavings of every pair of operations further than `npm test` does, and prints the counts.
 *
 *     npx tsx test/sweep/union-interleavings.ts [schedules a pair, default 20000] [first operations, such as 0-4, default all]
 */
import { rangeOf } from '../support/ranges.js';
import { policyWith } from '../support/unions.js';
import { explore } from '../support/interleavings.js';
import { unionMeeting } from '../support/union-interleavings.js';
import { buildScene, sceneOperations } from '../support/union-scenes.js';

const schedules = Number(process.argv[2] ?? 20_000);
const firsts = rangeOf(process.argv[3], sceneOperations.length);
const policy = policyWith({});
const scene = buildScene(false, policy);
let total = 0;
let violations = 0;
for (const [at, first] of sceneOperations.entries()) {
  if (!firsts(at)) continue;
  for (const second of sceneOperations.slice(at)) {
    const result = explore(unionMeeting({ scene, policy, operations: [first, second] }), { schedules });
    total += result.schedules;
    if (result.violation) {
      violations += 1;
      console.log(`FW_REPLAY='${result.violation.replay}'\n${result.violation.what}`);
    }
    const state = result.complete ? 'all' : 'bounded';
    console.log(`${first.name} | ${second.name}: ${result.schedules} schedules, ${state}`);
  }
}
console.log(`${total} schedules, ${violations} violations`);
process.exitCode = violations > 0 ? 1 : 0;
