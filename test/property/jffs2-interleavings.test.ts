/**
 * Operations of a mounted JFFS2 in flight together with the collector (a sample; test/sweep/jffs2-interleavings.ts goes through
 * all), and faults in the locks and the collector that the explorer finds.
 */
import { expect, test } from 'vitest';
import { explore, faultIn, parseReplay, runSchedule } from '../support/interleavings.js';
import type * as interleavings from '../support/interleavings.js';
import { callNamed, calls, Jffs2Scene } from '../support/jffs2-meetings.js';
import type * as meetingsModule from '../support/jffs2-meetings.js';
import type { SceneName } from '../support/jffs2-meetings.js';
import { loadMutant } from '../support/mutants.js';
import type { Mutation } from '../support/mutants.js';

const file = 'test/property/jffs2-interleavings.test.ts';
const replay = process.env['FW_REPLAY'];

if (replay !== undefined) {
  test(`replay ${replay}`, () => {
    const { names, choices } = parseReplay(replay);
    const [scene = '', moment = '', ...operations] = names;
    const meeting = new Jffs2Scene(scene as SceneName).meetingNamed(moment, operations);
    expect(faultIn(meeting, runSchedule(meeting, choices))).toBeUndefined();
  });
}

const samples: readonly [SceneName, number][] = [
  ['little-endian', 1],
  ['big-endian, full', 5],
  ['obsoleting in place', 4],
];

function expectNone(violation: { readonly replay: string } | undefined): void {
  expect(violation, `FW_REPLAY='${violation?.replay ?? ''}' npx vitest run ${file}`).toBeUndefined();
}

test.each(samples)('%s: each operation with the collector ends as without it', (name, stride) => {
  const scene = new Jffs2Scene(name);
  const moments = scene.moments();
  let schedules = 0;
  for (const [index, call] of calls.entries()) {
    const moment = moments[(index * 5) % moments.length];
    if (index % stride !== 0 || !moment) continue;
    const result = explore(scene.meeting(moment, [call], 3), { schedules: 400, preemptions: 1 });
    expectNone(result.violation);
    schedules += result.schedules;
  }
  console.log(`${schedules} schedules`);
});

const pairs: readonly [string, string][] = [
  ['write d/f', 'unlink d/f'],
  ['write d/f', 'read d/f'],
  ['truncate d/f', 'append d/f'],
  ['rename d/empty e/sub', 'create d/empty/n'],
  ['create d/n', 'mkdir d/n'],
  ['rename d/g d/f', 'unlink d/g'],
  ['setxattr d/f', 'setxattr d/g'],
];

test('two operations with the collector between end as one order does', () => {
  const scene = new Jffs2Scene('little-endian');
  const moments = scene.moments();
  let schedules = 0;
  for (const [index, pair] of pairs.entries()) {
    const moment = moments[(index * 4) % moments.length];
    if (!moment) continue;
    const meeting = scene.meeting(moment, pair.map(callNamed), 2);
    const result = explore(meeting, { schedules: 300, preemptions: 1 });
    expectNone(result.violation);
    schedules += result.schedules;
  }
  console.log(`${schedules} schedules`);
});

const jffs2 = (name: string): string => `tools/jffs2/${name}.ts`;

/** A fault, and the meeting that shows it. */
const faults: readonly (Mutation & {
  readonly scene: SceneName;
  readonly meetings: readonly (readonly string[])[];
})[] = [
  {
    name: 'the collector does not lock the content',
    file: jffs2('mount/collect'),
    from: 'return locked(task, record.content, () => moveLocked(volume, task, record, ref));',
    to: 'return moveLocked(volume, task, record, ref);',
    scene: 'little-endian',
    meetings: [['read d/g'], ['write d/f'], ['unlink d/g']],
  },
  {
    name: 'the collector moves what was replaced while it waited',
    file: jffs2('mount/collect'),
    from: "  if (ref.state === 'obsolete') return;\n  if (!record.live",
    to: '  if (!record.live',
    scene: 'little-endian',
    meetings: [['unlink d/g'], ['unlink d/f', 'unlink e/h']],
  },
  {
    name: 'a reader does not lock the content',
    file: jffs2('mount/file'),
    from: 'return locked(task, live.record.content, read);',
    to: 'return read();',
    scene: 'little-endian',
    meetings: [['read d/g'], ['read d/f']],
  },
  {
    name: 'an inode is loaded twice',
    file: jffs2('mount/load'),
    from: 'locked(task, record.content, () => loadLocked(volume, task, record))',
    to: 'loadLocked(volume, task, record)',
    scene: 'little-endian',
    meetings: [['chmod d/f'], ['write d/f'], ['unlink d/f']],
  },
  {
    name: 'objects are not locked by those that change them',
    file: jffs2('mount/operations'),
    from: 'return yield* this.#using(task, ino, false, body);',
    to: 'return yield* this.#using(task, ino, true, body);',
    scene: 'little-endian',
    meetings: [['create d/n', 'mkdir d/n']],
  },
  {
    name: 'an object that went while a task waited is changed',
    file: jffs2('mount/operations'),
    from: '      recordOf(volume, ino);\n      return body(live);',
    to: '      return body(live);',
    scene: 'little-endian',
    meetings: [['chmod d/g', 'unlink d/g']],
  },
  {
    name: 'the collector takes the allocation after the content',
    file: jffs2('mount/write'),
    from: '      yield* this.#hooks.collect(task);\n    } finally {\n      yield* acquire(task, this.allocation);',
    to: '      yield* acquire(task, this.allocation);\n      yield* this.#hooks.collect(task);\n    } finally {',
    scene: 'little-endian, full',
    meetings: [['append d/f']],
  },
  {
    name: 'the collector gives the allocation away while it moves a node',
    file: jffs2('mount/collect'),
    from: 'if (block.used > 0) yield* moveOne(volume, task, block);',
    to: 'if (block.used > 0) yield* withoutAllocation(volume, task, () => moveOne(volume, task, block));',
    scene: 'little-endian',
    meetings: [['chmod d/f']],
  },
];

async function firstFault(
  mutation: Mutation | undefined,
  sceneName: SceneName,
  meetings: readonly (readonly string[])[],
): Promise<string | undefined> {
  const mutant = await loadMutant(mutation, 'test/support/jffs2-meetings-check.ts');
  const copy = mutant as unknown as typeof meetingsModule & typeof interleavings;
  try {
    const scene = new copy.Jffs2Scene(sceneName);
    for (const names of meetings)
      for (const moment of scene.moments()) {
        const meeting = scene.meeting(moment, names.map(copy.callNamed), names.length > 1 ? 1 : 3);
        const { violation } = copy.explore(meeting, { schedules: 80, preemptions: 2 });
        if (violation) return violation.what;
      }
    return undefined;
  } catch (error) {
    return String(error);
  }
}

test.each(faults)('found: $name', async ({ scene, meetings, ...mutation }) => {
  expect(await firstFault(mutation, scene, meetings)).toBeDefined();
});
