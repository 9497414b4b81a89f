import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import {
  cutScenario,
  loadScenario,
  parseCutPoint,
  type CutScenario,
  type SweptCuts,
} from '../../tools/emulator/index.js';
import { imageAndUpgrade, smallBoard } from '../support/router-image.js';

const profile = smallBoard();
let image: Uint8Array;
let upgrade: Uint8Array;
beforeAll(async () => {
  ({ image, upgrade } = await imageAndUpgrade(profile));
});

function scenarioOf(text: string): CutScenario {
  const [run] = loadScenario(text, 'scenario.yaml');
  if (!run) throw new Error('a scenario has at least one run');
  return { ...run, profile, image, upgrade, files: {}, safeCarrier: false };
}

const replay = (scenario: CutScenario, id: string): Promise<SweptCuts> =>
  cutScenario(scenario, { mode: 'sample', replay: parseCutPoint(id) });

const settingsAndUpgrade = `
name: settings and upgrade
steps:
  - boot
  - write: { path: /etc/config/a, text: '1' }
  - expect: { file: [{ path: /etc/config/a, text: '1' }] }
  - sysupgrade: { image: upgrade }
  - rm: { path: /etc/config/a }
`;

test('each step that changes the flash is cut, and in the recovery from that', async () => {
  const { tables } = await cutScenario(scenarioOf(settingsAndUpgrade), { mode: 'sample', sampleSize: 12 });
  expect(tables.map(({ phase, during }) => `${phase} ${during}`)).toEqual(
    ['step-1-boot', 'step-2-write', 'step-4-sysupgrade', 'step-5-rm'].flatMap((phase) => [
      `${phase} flow`,
      `${phase} recovery`,
    ]),
  );
  for (const { phase, during, operations, cuts, outcomes, violations } of tables) {
    expect(violations, phase).toEqual([]);
    if (during === 'flow') expect(cuts, phase).toBe(Math.min(12, 6 * operations));
    expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(cuts);
  }
  const outcomesOf = (phase: string): unknown =>
    tables.find((table) => table.phase === phase && table.during === 'flow')?.outcomes;
  // Nothing was set before the first boot, so that a cut in it is made good whole.
  expect(outcomesOf('step-1-boot')).toMatchObject({ old: 12 });
  expect(outcomesOf('step-2-write')).toMatchObject({ clean: 0, recovery: 0, ram: 0 });
  expect(outcomesOf('step-4-sysupgrade')).toMatchObject({ between: 0 });
});

test('a sweep spread over processes gives the tables of one process', async () => {
  const scenario = scenarioOf(settingsAndUpgrade);
  const done: number[] = [];
  const options = { mode: 'sample', sampleSize: 6 } as const;
  const spread = await cutScenario(scenario, { ...options, jobs: 2, onShare: (share) => done.push(share) });
  expect(done.at(-1)).toBe(32);
  expect(spread.tables).toEqual((await cutScenario(scenario, options)).tables);
});

test('a power cut while kernel and root are written ends in recovery, and is replayed by its name', async () => {
  const scenario = scenarioOf(settingsAndUpgrade);
  const { tables } = await replay(scenario, 'step-4-sysupgrade:2:half');
  expect(tables).toMatchObject([{ phase: 'step-4-sysupgrade', cuts: 1, outcomes: { recovery: 1 } }]);
  const again = await replay(scenario, 'step-4-sysupgrade:2:half/1:bits');
  expect(again.tables).toMatchObject([{ during: 'recovery', cuts: 1, outcomes: { recovery: 1 } }]);
  for (const id of [
    'step-4-sysupgrade:9999:half',
    'step-4-sysupgrade:2:half/9999:bits',
    'step-3-expect:0:half',
  ])
    await expect(replay(scenario, id)).rejects.toMatchObject({ code: 'FW_EMULATOR_REPLAY' });
});

test('what a scenario demands after a cut is demanded of every boot', async () => {
  const scenario = scenarioOf(
    `${settingsAndUpgrade}afterCut: { file: [{ path: /etc/config/a, text: '1' }] }\n`,
  );
  const { tables } = await cutScenario(scenario, { mode: 'sample', sampleSize: 12 });
  const [boot, , write] = tables;
  expect(boot?.outcomes).toMatchObject({ violation: 12 });
  expect(boot?.violations[0]).toMatchObject({
    replay: 'step-1-boot:0:before',
    reason: 'afterCut: /etc/config/a: expected, found nothing',
  });
  expect(write?.outcomes['violation']).toBeGreaterThan(0);
  const repeated = await replay(scenario, write?.violations[0]?.replay ?? '');
  expect(repeated.tables[0]?.violations).toEqual([write?.violations[0]]);
});

test('a torn cleanmarker in the first boot after `mtd erase` strands the device on RAM, and the cut is named', async () => {
  const scenario = scenarioOf(
    'name: x\nsteps: [boot, { factory-reset: { via: mtd-erase } }, power-off, boot]\n',
  );
  const { tables } = await cutScenario(scenario, { mode: 'sample' });
  expect(tables.flatMap(({ violations }) => violations)).toContainEqual({
    replay: 'step-4-boot:1:first-byte',
    reason: 'runs on ram-overlay, expected jffs2-overlay',
  });
});

test('an overlay on a stick is cut as it is at that moment', async () => {
  const folder = new URL('../../images/demo/scenarios/', import.meta.url);
  const text = readFileSync(fileURLToPath(new URL('extroot.yaml', folder)), 'utf8');
  const { tables } = await cutScenario(scenarioOf(text), { mode: 'sample', sampleSize: 6 });
  expect(tables.flatMap(({ violations }) => violations)).toEqual([]);
});

test('the shipped scenario of power cuts holds wherever the power fails', async () => {
  const file = new URL('../../images/demo/scenarios/power-cuts.yaml', import.meta.url);
  const scenario = scenarioOf(readFileSync(fileURLToPath(file), 'utf8'));
  const { tables } = await cutScenario(scenario, { mode: 'sample', sampleSize: 24 });
  expect(tables.flatMap(({ violations }) => violations)).toEqual([]);
  expect(tables.filter(({ during }) => during === 'flow')).toHaveLength(6);
});
