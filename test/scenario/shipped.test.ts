import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { chipFromImage, Device, loadScenario, runScenario } from '../../tools/emulator/index.js';
import { imageAndUpgrade, smallBoard } from '../support/router-image.js';

const folder = fileURLToPath(new URL('../../images/demo/scenarios/', import.meta.url));
const profile = smallBoard();
let image: Uint8Array;
let upgrade: Uint8Array;
beforeAll(async () => {
  ({ image, upgrade } = await imageAndUpgrade(profile));
});

const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));

describe.each(files.sort())('shipped scenario %s', (file) => {
  for (const scenario of loadScenario(readFileSync(folder + file, 'utf8'), file)) {
    test(scenario.name, () => {
      const chip = chipFromImage(profile, image);
      const device = new Device({ profile, chip, ...(scenario.branch ? { branch: scenario.branch } : {}) });
      const report = runScenario(scenario.name, scenario.steps, device, {
        image,
        upgrade,
        read: () => image,
      });
      expect(report.steps.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    });
  }
});

test('the index names every scenario', () => {
  const index = readFileSync(`${folder}README.md`, 'utf8');
  expect([...index.matchAll(/\]\(([\w-]+\.yaml)\)/g)].map((match) => match[1]).sort()).toEqual(files.sort());
});
