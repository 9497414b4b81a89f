import { beforeAll, describe, expect, test } from 'vitest';
import { checkImage, parseCutPoint, type CheckReport, type CutProgress } from '../../tools/emulator/index.js';
import { fillerBytes } from '../../tools/emulator/device/filler.js';
import { profileOf, routerTree, smallBoard, sysupgradeImage } from '../support/router-image.js';

const boards = ['ubnt_unifi-ap', 'xiaomi_mi-router-4a-gigabit'];

describe.each(boards)('%s', (id) => {
  const profile = profileOf(id);
  let image: Uint8Array;
  let newer: Uint8Array;
  beforeAll(async () => {
    image = await sysupgradeImage(profile);
    newer = await sysupgradeImage(profile, routerTree({ '/usr/bin/new': 'x'.repeat(50_000) }), 250_000);
  });

  test('boot, reset and upgrade are proven, and the known flaws are named', async () => {
    const report = await checkImage({ profile, image, upgrade: newer });
    expect(report.proofs.filter(({ problems }) => problems.length > 0)).toEqual([]);
    const codes = new Set(report.findings.map(({ code }) => code));
    expect(codes).toContain('hidden-files-survive');
    expect(codes).toContain('trailer-in-flash');
    expect(codes).toContain('old-data-on-flash');
  });

  test('a power cut at sampled flash operations never leaves a fourth state', async () => {
    const report = await checkImage({ profile, image, powerCuts: 'sample', sampleSize: 12 });
    const phases = ['first-boot', 'reset', 'reset-failsafe', 'upgrade', 'upgrade-boot'];
    expect(report.cuts.map(({ phase, during }) => `${phase} ${during}`)).toEqual(
      phases.flatMap((phase) => [`${phase} flow`, `${phase} recovery`]),
    );
    for (const { phase, during, cuts, states, outcomes, violations } of report.cuts) {
      expect(violations, phase).toEqual([]);
      if (during === 'flow') expect(cuts, phase).toBe(12);
      else expect(cuts, phase).toBeGreaterThan(0);
      expect(states, phase).toBeLessThanOrEqual(cuts);
      expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(cuts);
      expect(outcomes['old-overlay'] + outcomes.ram, phase).toBe(0);
    }
  });
});

test('an image that leaves too few erase blocks is not proven, and the finding says why', async () => {
  const profile = profileOf('ubnt_unifi-ap');
  const filler = Buffer.from(fillerBytes(7_150_000, 5)).toString('latin1');
  const image = await sysupgradeImage(profile, routerTree({ '/usr/lib/filler': filler }));
  const report = await checkImage({ profile, image });
  expect(report.passed).toBe(false);
  expect(report.proofs.find(({ id }) => id === 'first-boot')?.problems).toEqual([
    'runs on ram-overlay, expected jffs2-overlay',
  ]);
  expect(report.findings.map(({ code }) => code)).toContain('ram-overlay-forever');
});

test('power cuts spread over processes, stopped and resumed, give the table of one process', async () => {
  const profile = smallBoard();
  const image = await sysupgradeImage(profile, undefined, 60_000);
  const options = { profile, image, powerCuts: 'sample', sampleSize: 20 } as const;
  let kept: CutProgress | undefined;
  const stopped = new AbortController();
  await expect(
    checkImage({
      ...options,
      jobs: 2,
      signal: stopped.signal,
      onCutShare: (done, _total, progress) => {
        kept = progress;
        if (done === 8) stopped.abort(new Error('stopped'));
      },
    }),
  ).rejects.toThrow('stopped');
  const shares: number[] = [];
  const resumed = await checkImage({
    ...options,
    jobs: 2,
    ...(kept ? { cutProgress: kept } : {}),
    onCutShare: (done) => shares.push(done),
  });
  expect(shares[0]).toBe(9);
  const { proofs, cuts } = await checkImage(options);
  expect(resumed).toMatchObject({ passed: true, proofs, cuts });
});

test('one power cut, and one during the recovery from it, are replayed by name; unknown ones are refused', async () => {
  const profile = smallBoard();
  const image = await sysupgradeImage(profile, undefined, 60_000);
  const replay = async (id: string): Promise<CheckReport> =>
    checkImage({ profile, image, replay: parseCutPoint(id) });
  expect((await replay('upgrade:2:half')).cuts).toMatchObject([
    { phase: 'upgrade', during: 'flow', cuts: 1, states: 1, outcomes: { recovery: 1 } },
  ]);
  expect((await replay('upgrade:2:half/1:bits')).cuts).toMatchObject([
    { phase: 'upgrade', during: 'recovery', cuts: 1, states: 1, outcomes: { recovery: 1 } },
  ]);
  for (const id of ['upgrade:9999:half', 'upgrade:2:half/9999:bits', 'downgrade:1:half'])
    await expect(replay(id)).rejects.toMatchObject({ code: 'FW_EMULATOR_REPLAY' });
});
