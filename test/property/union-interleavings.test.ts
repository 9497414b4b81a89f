import { expect, test } from 'vitest';
import { seededRandom } from '../../tools/core/index.js';
import type { Safeguard } from '../../tools/union/index.js';
import { policyWith } from '../support/unions.js';
import { explore, faultIn, parseReplay, runSchedule } from '../support/interleavings.js';
import type { Bounds, Exploration } from '../support/interleavings.js';
import { unionMeeting } from '../support/union-interleavings.js';
import { buildScene, sceneOperations } from '../support/union-scenes.js';
import type { SceneOperation } from '../support/union-scenes.js';

const policy = policyWith({});
const scene = buildScene(false, policy);
/** Schedules of one pair; the sweep in test/sweep/union-interleavings.ts goes further. */
const bound = 1500;

function named(name: string): SceneOperation {
  const operation = sceneOperations.find((candidate) => candidate.name === name);
  if (!operation) throw new Error(`no operation '${name}'`);
  return operation;
}

function pairs(): [SceneOperation, SceneOperation][] {
  return sceneOperations.flatMap((first, at) =>
    sceneOperations.slice(at).map((second): [SceneOperation, SceneOperation] => [first, second]),
  );
}

const replay = process.env['FW_REPLAY'];

function check(operations: readonly SceneOperation[], bounds: Bounds): Exploration {
  const result = explore(unionMeeting({ scene, policy, operations }), bounds);
  const { violation } = result;
  expect(violation, `FW_REPLAY='${violation?.replay ?? ''}' ${violation?.what ?? ''}`).toBeUndefined();
  return result;
}

if (replay !== undefined) {
  test(`replay ${replay}`, () => {
    const { names, choices } = parseReplay(replay);
    const meeting = unionMeeting({ scene, policy, operations: names.map(named) });
    expect(faultIn(meeting, runSchedule(meeting, choices))).toBeUndefined();
  });
}

test('every pair of operations, stopped once anywhere, ends as one order does (union 178, 179, 180, 188, 189)', () => {
  let schedules = 0;
  for (const pair of pairs()) schedules += check(pair, { schedules: bound, preemptions: 1 }).schedules;
  console.log(`${pairs().length} pairs, ${schedules} schedules with one preemption`);
});

const laws: readonly [string, string, string][] = [
  ['a: Viro, copy against rename', 'chmod d/f', 'rename d/f e/r'],
  ['a: Viro, copy against unlink', 'chmod d/f', 'unlink d/f'],
  ['b: two copies of one object', 'chmod d/f', 'write d/f'],
  ['c: copy against rename of an ancestor', 'chmod d/sub/x', 'rename d/sub e/sub'],
  ['c: copy against rename of the top', 'write d/f', 'rename d dd'],
  ['d: two names of one lower object', 'chmod d/h1', 'write e/h2'],
  ['d: copy against unlink of another name', 'chmod d/h1', 'unlink e/h2'],
  ['e: truncation against copying write', 'truncate d/f', 'write d/f'],
  ['f: rename against its reverse', 'rename d/f d/g', 'rename d/g d/f'],
  ['g: rename onto a name against mkdir', 'rename pure gone', 'mkdir gone'],
  ['g: mkdir over a whiteout against lookup', 'mkdir gone', 'look up gone'],
  ['g: rmdir of emptied against creation in it', 'rmdir old', 'create old/child'],
  ['h: listing against removal', 'list d', 'unlink d/f'],
  ['h: listing against copy-up', 'list d', 'chmod d/f'],
  ['l: remount read-only against a copying write', 'remount read-only', 'write d/f'],
  ['l: remount read-only against a copy of two parents', 'remount read-only', 'chmod d/sub/x'],
  ['l: remount read-only against a copy into the index', 'remount read-only', 'chmod d/h1'],
  ['l: remount read-only against rename', 'remount read-only', 'rename d/f e/r'],
  ['m: a read sees one state', 'read d/f', 'write d/f'],
  ['m: a read sees one state', 'read d/f', 'truncate d/f'],
  ['link against copy', 'link d/f e/linked', 'chmod d/f'],
  ['two creations of one name', 'create e/r', 'create e/r'],
];

test('the laws hold in all interleavings of their pairs within the bound (union 54, 78, 81, 82, 147, 153, 170, 182, 183, 184, 185, 186, 187)', () => {
  for (const [law, first, second] of laws) {
    const { schedules, complete } = check([named(first), named(second)], { schedules: bound });
    console.log(`${law}: ${schedules} schedules${complete ? ', all' : ', bounded'}`);
  }
});

test('sampled interleavings of three operations end as one order does', () => {
  const random = seededRandom(7);
  let schedules = 0;
  for (let sample = 0; sample < 40; sample += 1) {
    const operations = [0, 1, 2].map(() => sceneOperations[random.below(sceneOperations.length)]);
    const three = operations.filter((operation) => operation !== undefined);
    schedules += check(three, { schedules: 40 }).schedules;
  }
  console.log(`${schedules} schedules of three operations`);
});

const seeded: readonly [Safeguard, string, string][] = [
  ['copy-up re-check', 'chmod d/f', 'unlink d/f'],
  ['parent lock', 'create e/r', 'create e/r'],
  ['index update', 'chmod d/h1', 'write e/h2'],
];

for (const [safeguard, first, second] of seeded) {
  test(`the explorer notices a union without the safeguard '${safeguard}'`, () => {
    const operations = [named(first), named(second)];
    const meeting = unionMeeting({ scene, policy, operations, sabotage: [safeguard] });
    const { violation } = explore(meeting, { schedules: bound });
    expect(violation).toBeDefined();
  });
}
