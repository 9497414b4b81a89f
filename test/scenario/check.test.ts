import { beforeAll, describe, expect, test } from 'vitest';
import { checkImage } from '../../tools/emulator/index.js';
import { profileOf, routerTree, sysupgradeImage } from '../support/router-image.js';

describe.each(['ubnt_unifi-ap', 'xiaomi_mi-router-4a-gigabit'])('%s', (id) => {
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
    const report = await checkImage({ profile, image, powerCuts: 'sample' });
    for (const { phase, cuts, violations } of report.cuts) {
      expect(violations, phase).toEqual([]);
      expect(cuts, phase).toBeGreaterThan(3);
    }
  });
});
