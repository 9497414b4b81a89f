/** The release whose flows run: the one that the firmware names, unless the user names another. */
import { beforeAll, expect, test } from 'vitest';
import { Device, boot, chipFromImage, type BranchName } from '../../tools/emulator/index.js';
import { routerTree, smallBoard, sysupgradeImage } from '../support/router-image.js';
import { problemsOf, runSteps } from '../support/scenario-steps.js';

const profile = smallBoard();
const images = new Map<string, Uint8Array>();
const image = (name: string): Uint8Array => images.get(name) ?? new Uint8Array();
const release = (lines: string): Promise<Uint8Array> =>
  sysupgradeImage(profile, routerTree({ '/etc/openwrt_release': lines }), 60_000);
beforeAll(async () => {
  images.set('19.07', await release("DISTRIB_ID='OpenWrt'\nDISTRIB_RELEASE='19.07.7'\n"));
  images.set('22.03', await release('DISTRIB_RELEASE="22.03.5"\n'));
  images.set(
    '15.05',
    await release("DISTRIB_RELEASE='Chaos Calmer'\nDISTRIB_DESCRIPTION='OpenWrt Chaos Calmer 15.05.1'\n"),
  );
  images.set('snapshot', await release("DISTRIB_RELEASE='SNAPSHOT'\nDISTRIB_REVISION='r24106-10cc5fcd00'\n"));
  images.set('future', await release("DISTRIB_RELEASE='31.10.0'\n"));
});

test.each([
  ['19.07', '19.07'],
  ['22.03', '22.03'],
  ['15.05', '19.07'],
  ['snapshot', '25.12'],
  ['future', '25.12'],
])('a firmware of %s runs the flows of %s', (name, branch) => {
  const device = new Device({ profile, chip: chipFromImage(profile, image(name)) });
  boot(device);
  expect(device.branch.name).toBe(branch);
});

test('what the user says goes before what the firmware says', () => {
  const branch: BranchName = '24.10';
  const device = new Device({ profile, chip: chipFromImage(profile, image('19.07')), branch });
  boot(device);
  expect(device.fork().branch.name).toBe(branch);
});

test('an upgrade changes the release that runs, also back', () => {
  const ends = (steps: string): string =>
    runSteps(steps, { profile, image: image('19.07'), read: image }).branch;
  const there = '  - boot\n  - sysupgrade: { image: "22.03" }\n';
  expect(ends(there)).toBe('22.03');
  expect(ends(`${there}  - sysupgrade: { image: "19.07" }\n`)).toBe('19.07');
});

test('an upgrade between releases keeps the settings, up and down', () => {
  const steps = (to: string): string => `  - boot
  - write: { path: /etc/config/a, text: '1' }
  - sysupgrade: { image: "${to}" }
  - expect: { state: jffs2-overlay, fsState: ready, file: [{ path: /etc/config/a, text: '1' }] }
`;
  for (const [from, to] of [
    ['19.07', '22.03'],
    ['22.03', '15.05'],
    ['snapshot', '19.07'],
  ] as const)
    expect(problemsOf(runSteps(steps(to), { profile, image: image(from), read: image }))).toEqual([]);
});
