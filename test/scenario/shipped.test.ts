import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { chipFromImage, Device, loadScenario, runScenario } from '../../tools/emulator/index.js';
import { profileOf, sysupgradeImage } from '../support/router-image.js';

const folder = fileURLToPath(new URL('../../images/demo/scenarios/', import.meta.url));
const profile = profileOf('ubnt_unifi-ap');
let image: Uint8Array;
beforeAll(async () => {
  image = await sysupgradeImage(profile);
});

describe.each(readdirSync(folder).sort())('shipped scenario %s', (file) => {
  for (const scenario of loadScenario(readFileSync(folder + file, 'utf8'), file)) {
    test(scenario.name, () => {
      const chip = chipFromImage(profile, image);
      const device = new Device({ profile, chip, ...(scenario.branch ? { branch: scenario.branch } : {}) });
      const report = runScenario(scenario.name, scenario.steps, device, { image, read: () => image });
      expect(report.steps.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    });
  }
});
