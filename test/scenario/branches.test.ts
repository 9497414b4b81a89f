/** Each trait in which release branches differ changes what a device does. */
import { createHash } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import {
  boot,
  branches,
  branchNames,
  chipFromImage,
  Device,
  sysupgrade,
  type BranchName,
  type ScenarioReport,
} from '../../tools/emulator/index.js';
import { devicePath, findFile } from '../../tools/emulator/device-files.js';
import { routerTree, smallBoard, sysupgradeImage } from '../support/router-image.js';
import { problemsOf, runSteps } from '../support/scenario-steps.js';

const profile = smallBoard();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const images = new Map<string, Uint8Array>();
beforeAll(async () => {
  const packages = { '/lib/apk/packages/a.conffiles_static': `/etc/a.conf ${sha256('default')}\n` };
  const base = routerTree({ ...packages, '/etc/a.conf': 'default' });
  images.set('base', await sysupgradeImage(profile, base, 60_000));
  const accounts = { '/etc/passwd': 'root:x:0:0:root:/root:/bin/ash\nsvc:*:80:80:svc:/var:/bin/false\n' };
  images.set('accounts', await sysupgradeImage(profile, routerTree(accounts), 60_000));
  images.set('major', await sysupgradeImage({ ...profile, compatVersion: '2.0' }, undefined, 60_000));
  images.set('minor', await sysupgradeImage({ ...profile, compatVersion: '1.1' }, undefined, 60_000));
});

function image(name: string): Uint8Array {
  const found = images.get(name);
  if (!found) throw new Error(`no image ${name}`);
  return found;
}

function run(branch: BranchName, steps: string): ScenarioReport {
  return runSteps(steps, { profile, image: image('base'), branch, read: image });
}

/** Steps that hold on a branch and not on the one before it. */
function onlySince(first: BranchName, steps: string): void {
  const before = branchNames[branchNames.indexOf(first) - 1] ?? first;
  expect(problemsOf(run(first, steps))).toEqual([]);
  expect(problemsOf(run(before, steps))).not.toEqual([]);
}

/** Where each trait is shown to matter; those that are not named here are shown below. */
const shownElsewhere = {
  extrootCheck: 'extroot.test.ts',
  extrootTriesOverlayFirst: 'extroot.test.ts',
  fitSplitThreshold: 'boot-chain.test.ts',
};
const shownHere = [
  'upperAt',
  'keepsState',
  'restoreMovesArchive',
  'resetProgram',
  'restoreMergesAccounts',
  'failsafeWaitSeconds',
  'checksCompatVersion',
  'ignoresMinorCompat',
  'backupDisablesServices',
  'readsApkLists',
] as const;

test('every trait differs between branches, and is shown to matter', () => {
  const traits = Object.keys(branches['25.12']).filter((trait) => trait !== 'name');
  expect(traits.sort()).toEqual([...shownHere, ...Object.keys(shownElsewhere)].sort());
  for (const trait of [
    ...shownHere,
    'extrootCheck',
    'extrootTriesOverlayFirst',
    'fitSplitThreshold',
  ] as const)
    expect(new Set(branchNames.map((name) => branches[name][trait])).size, trait).toBeGreaterThan(1);
});

test('upperAt, keepsState: the overlay has a folder of its own and a state since 19.07', () => {
  onlySince('19.07', '  - boot\n  - expect: { state: jffs2-overlay, fsState: ready }\n');
  expect(
    problemsOf(run('14.07', '  - boot\n  - expect: { state: jffs2-overlay, fsState: missing }\n')),
  ).toEqual([]);
});

/** Files that the root shows in preinit of the first boot after an upgrade, when the settings were just restored. */
function inPreinitAfterUpgrade(branch: BranchName): (path: string) => boolean {
  const device = new Device({ profile, chip: chipFromImage(profile, image('base')), branch });
  const before = boot(device);
  if (before.kind !== 'running') throw new Error(before.reason);
  sysupgrade(before.system, image('base'));
  const after = boot(device, { stopInPreinit: true });
  if (after.kind !== 'running') throw new Error(after.reason);
  const { root } = after.system;
  return (path) => findFile(root, devicePath(path), false) !== undefined;
}

test('restoreMovesArchive: the archive stays on the flash until the boot is done since 19.07', () => {
  expect(inPreinitAfterUpgrade('14.07')('/sysupgrade.tgz')).toBe(false);
  expect(inPreinitAfterUpgrade('19.07')('/sysupgrade.tgz')).toBe(true);
});

test('backupDisablesServices: the backup brings a script that keeps services off since 24.10', () => {
  const script = '/etc/uci-defaults/10_disable_services';
  expect(inPreinitAfterUpgrade('23.05')(script)).toBe(false);
  expect(inPreinitAfterUpgrade('24.10')(script)).toBe(true);
});

test('resetProgram: it is called factoryreset since 25.12', () => {
  const program = (branch: BranchName): string | undefined =>
    run(branch, '  - boot\n  - factory-reset\n').timeline.find(({ phase }) => phase === 'reset')?.text;
  expect(program('24.10')).toBe('factory reset by command (jffs2reset)');
  expect(program('25.12')).toBe('factory reset by command (factoryreset)');
});

test('restoreMergesAccounts: new accounts of an image survive the restored passwd since 22.03', () => {
  onlySince(
    '22.03',
    `  - boot
  - append: { path: /etc/passwd, text: "me:x:1000:1000::/:/bin/ash\\n" }
  - sysupgrade: { image: accounts }
  - expect: { file: [{ path: /etc/passwd, contains: 'me:x' }, { path: /etc/passwd, contains: 'svc:*' }] }
`,
  );
});

test('failsafeWaitSeconds: a boot listens for failsafe twice as long since 24.10', () => {
  const seconds = (branch: BranchName): number => {
    const events = run(branch, '  - boot: { failsafe: true }\n').timeline;
    return ((events.at(-1)?.atMs ?? 0) - (events[0]?.atMs ?? 0)) / 1000;
  };
  expect(seconds('24.10') - seconds('23.05')).toBeCloseTo(2, 6);
});

test('checksCompatVersion: another major compat version is refused since 21.02', () => {
  onlySince('21.02', '  - boot\n  - sysupgrade: { image: major, refused: [compat-major] }\n');
});

test('ignoresMinorCompat: the check of the minor compat version can be left out since 22.03', () => {
  onlySince('22.03', '  - boot\n  - sysupgrade: { image: minor, ignoreMinorCompat: true, test: true }\n');
});

test('readsApkLists: changed conffiles of apk packages are kept since 24.10', () => {
  onlySince(
    '24.10',
    `  - boot
  - write: { path: /etc/a.conf, text: changed }
  - sysupgrade
  - expect: { file: [{ path: /etc/a.conf, text: changed }] }
`,
  );
});
