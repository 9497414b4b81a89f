/** Upgrades between images of different size, board and age. */
import { createHash } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import {
  boot,
  chipFromImage,
  Device,
  previewUpgrade,
  type ScenarioReport,
} from '../../tools/emulator/index.js';
import { fillerBytes } from '../../tools/emulator/device/filler.js';
import { appendMetadata, readChunks } from '../../tools/firmware/index.js';
import { routerTree, smallBoard, sysupgradeImage } from '../support/router-image.js';
import { problemsOf, runSteps, runStepsOn } from '../support/scenario-steps.js';

const profile = smallBoard();
const filler = (size: number): string => Buffer.from(fillerBytes(size, 5)).toString('latin1');
const images = new Map<string, Uint8Array>();

beforeAll(async () => {
  const renamed = { ...profile, compatVersion: '2.0', compatMessage: 'the partitions moved' };
  const minor = { ...profile, compatVersion: '1.1', compatMessage: 'the switch is set up anew' };
  images.set('base', await sysupgradeImage(profile, routerTree({ '/usr/lib/base': filler(80_000) }), 60_000));
  images.set(
    'larger',
    await sysupgradeImage(profile, routerTree({ '/usr/lib/big': filler(400_000) }), 130_000),
  );
  images.set('smaller', await sysupgradeImage(profile, routerTree({ '/bin/busybox': 'tiny' }), 30_000));
  images.set('major', await sysupgradeImage(renamed, undefined, 60_000));
  images.set('minor', await sysupgradeImage(minor, undefined, 60_000));
  images.set(
    'other',
    await sysupgradeImage({ ...profile, boardName: 'acme,other', supportedDevices: ['acme,other'] }),
  );
  // A recipe without check-size lets an image through that is larger than its partition.
  images.set('too-big', await tooBig());
});

async function tooBig(): Promise<Uint8Array> {
  const recipes = profile.artefacts.map((artefact) => ({
    ...artefact,
    recipe: artefact.recipe.filter(({ name }) => name !== 'check-size'),
  }));
  return sysupgradeImage(
    { ...profile, artefacts: recipes },
    routerTree({ '/usr/lib/big': filler(1_700_000) }),
    60_000,
  );
}

function image(name: string): Uint8Array {
  const found = images.get(name);
  if (!found) throw new Error(`no image ${name}`);
  return found;
}

function run(steps: string, start = 'base'): ScenarioReport {
  return runSteps(steps, { profile, image: image(start), read: image });
}

const settled = `
  - boot
  - write: { path: /etc/config/a, text: 'mine', mode: '0600' }
  - write: { path: /srv/b, bytes: 200000 }
`;
const kept = `
  - expect:
      state: jffs2-overlay
      fsState: ready
      noFindings: [old-overlay-visible, config-cut]
      file:
        - { path: /etc/config/a, text: 'mine', mode: '0600' }
        - { path: /srv/b, absent: true }
        - { path: /sysupgrade.tgz, absent: true }
`;

test.each([
  ['base', 'larger'],
  ['larger', 'base'],
  ['base', 'smaller'],
  ['smaller', 'larger'],
])('settings survive when rootfs_data moves: %s to %s', (from, to) => {
  const before = chipFromImage(profile, image(from));
  const after = chipFromImage(profile, image(to));
  const start = (chip: typeof before): number | undefined =>
    new Device({ profile, chip }).split().rootfsData?.offset;
  expect(start(before)).not.toBe(start(after));
  expect(problemsOf(run(`${settled}  - sysupgrade: { image: ${to} }\n${kept}`, from))).toEqual([]);
});

test('without settings nothing of the old overlay shows under a rootfs_data that moved', () => {
  for (const [from, to] of [
    ['base', 'larger'],
    ['larger', 'smaller'],
  ] as const) {
    const report = run(
      `${settled}  - sysupgrade: { image: ${to}, keepSettings: false }\n  - expect: { state: jffs2-overlay, treeEqualsBase: true }\n`,
      from,
    );
    expect(problemsOf(report), `${from} to ${to}`).toEqual([]);
  }
});

test('an image that is larger than the partition is written as far as it goes, does not boot, and is named', () => {
  const report = run(`${settled}  - sysupgrade: { image: too-big }
  - expect: { state: no-boot, stage: rootfs, findings: [image-cut] }
  - recovery-flash: { image: base }
  - boot
  - expect: { state: jffs2-overlay, treeEqualsBase: true }
`);
  expect(problemsOf(report)).toEqual([]);
});

test('an image for another device is refused, and forced with -F', () => {
  const report = run(`${settled}  - sysupgrade: { image: other, refused: [other-device] }
  - sysupgrade: { image: other, test: true, refused: [other-device] }
  - sysupgrade: { image: other, force: true }
${kept}`);
  expect(problemsOf(report)).toEqual([]);
});

test('another major compat version is refused with and without settings', () => {
  const report = run(`${settled}  - sysupgrade: { image: major, refused: [compat-major] }
  - sysupgrade: { image: major, keepSettings: false, refused: [compat-major] }
  - sysupgrade: { image: major, keepSettings: false, force: true }
  - expect: { state: jffs2-overlay, treeEqualsBase: true }
`);
  expect(problemsOf(report)).toEqual([]);
});

test('another minor compat version is refused with settings, unless they are given up or the check is ignored', () => {
  const report = run(`${settled}  - sysupgrade: { image: minor, refused: [compat-minor] }
  - sysupgrade: { image: minor, keepSettings: false, test: true }
  - sysupgrade: { image: minor, ignoreMinorCompat: true }
${kept}`);
  expect(problemsOf(report)).toEqual([]);
});

test('an image whose kernel the loader refuses is written where nothing looks at it, and the preview says so', () => {
  const damaged = image('base').slice();
  damaged.fill(0, 100, 200);
  images.set('damaged', appendMetadata(damaged.subarray(0, readChunks(damaged).at(-1)?.offset), metadata()));
  const steps = `${settled}  - sysupgrade: { image: damaged }
  - expect: { state: no-boot, stage: boot-loader }
  - recovery-flash
  - boot
  - expect: { state: jffs2-overlay }
`;
  expect(problemsOf(run(steps))).toEqual([]);

  const device = new Device({ profile, chip: chipFromImage(profile, image('base')) });
  const before = boot(device);
  if (before.kind !== 'running') throw new Error(before.reason);
  const { verdict, reasons } = previewUpgrade(before.system, image('damaged'));
  expect([verdict, reasons]).toEqual(['no-boot', ['uImage kernel: bad checksum']]);
});

/** The metadata of the image `base`. */
function metadata(): string {
  return Buffer.from(
    readChunks(image('base')).find(({ type }) => type === 'metadata')?.payload ?? [],
  ).toString();
}

test('a refusal that a scenario expects and that does not come fails its step', () => {
  const report = run(`${settled}  - sysupgrade: { refused: [other-device] }\n`);
  expect(problemsOf(report)).toEqual(['refused: expected other-device, found that it was not']);
});

test('-c keeps changed files of /etc alone, -o also others, but none that a package owns', () => {
  const files = `
  - boot
  - write: { path: /etc/own, text: '1' }
  - write: { path: /srv/own, text: '2' }
  - write: { path: /usr/bin/owned, text: '3' }
  - write: { path: /usr/lib/opkg/info/tool.list, text: "/usr/bin/owned\\n" }
  - write: { path: /etc/board.json, text: '{}' }
`;
  const changedEtc = run(`${files}  - sysupgrade: { changedEtc: true }
  - expect: { file: [{ path: /etc/own, text: '1' }, { path: /srv/own, absent: true }, { path: /etc/board.json, absent: true }] }
`);
  expect(problemsOf(changedEtc)).toEqual([]);
  const changedAll = run(`${files}  - sysupgrade: { changedAll: true }
  - expect: { file: [{ path: /etc/own, text: '1' }, { path: /srv/own, text: '2' }, { path: /usr/bin/owned, absent: true }] }
`);
  expect(problemsOf(changedAll)).toEqual([]);
});

test('-u leaves out files that equal the base', () => {
  const report = run(`
  - boot
  - write: { path: /etc/config/network, text: "config interface 'lan'\\n" }
  - write: { path: /etc/config/a, text: 'mine' }
  - sysupgrade: { skipEqual: true }
  - expect: { file: [{ path: /etc/config/network, layer: lower }, { path: /etc/config/a, layer: upper }] }
`);
  expect(problemsOf(report)).toEqual([]);
});

test('-k lists packages of the base and of the overlay', async () => {
  const control = { '/usr/lib/opkg/info/busybox.control': 'Package: busybox\n' };
  images.set('packages', await sysupgradeImage(profile, routerTree(control), 60_000));
  const report = run(
    `
  - boot
  - write: { path: /usr/lib/opkg/info/tcpdump.control, text: "Package: tcpdump\\n" }
  - sysupgrade: { listPackages: true }
  - expect: { file: [{ path: /etc/backup/installed_packages.txt, text: "busybox\\trom\\ntcpdump\\toverlay\\n" }] }
`,
    'packages',
  );
  expect(problemsOf(report)).toEqual([]);
});

test('the safe carrier is chosen by a step, and carries the settings as the device that always uses it', () => {
  const carried = (step: string, always: boolean): { bytes: string; problems: readonly string[] } => {
    const chip = chipFromImage(profile, image('base'));
    const device = new Device({ profile, chip, safeCarrier: always });
    const steps = `${settled}  - ${step}
  - expect: { state: jffs2-overlay, fsState: ready, file: [{ path: /etc/config/a, text: 'mine' }] }
`;
    const report = runStepsOn(device, steps, { image: image('base'), read: image });
    return { bytes: createHash('sha256').update(chip.image()).digest('hex'), problems: problemsOf(report) };
  };
  const usual = carried('sysupgrade', false);
  const always = carried('sysupgrade', true);
  const asked = carried('sysupgrade: { safeCarrier: true }', false);
  expect([usual.problems, always.problems, asked.problems]).toEqual([[], [], []]);
  expect(asked.bytes).toBe(always.bytes);
  expect(asked.bytes).not.toBe(usual.bytes);
  expect(carried('sysupgrade: { safeCarrier: false }', true).bytes).toBe(usual.bytes);
});
