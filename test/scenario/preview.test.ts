/** What the previews say is what the emulator then does. */
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeArchive } from '../../tools/archive/index.js';
import { byteStringFromText, textOf, type ByteString } from '../../tools/core/index.js';
import {
  boot,
  chipFromImage,
  Device,
  factoryReset,
  previewReset,
  previewUpgrade,
  sysupgrade,
  type ResetPreviewOptions,
  type RunningSystem,
  type UpgradeOptions,
} from '../../tools/emulator/index.js';
import { fillerBytes } from '../../tools/emulator/device/filler.js';
import { packagesOf } from '../../tools/emulator/settings/package-list.js';
import { keepListSystem } from '../../tools/emulator/upgrade/sysupgrade.js';
import { digestTree, type TreeDigest } from '../../tools/emulator/tree-digest.js';
import { bytesContent, newDirectory } from '../../tools/vfs/index.js';
import {
  changeDeviceMode,
  makeDeviceFolder,
  removeDeviceFile,
  writeDeviceFile,
} from '../support/device-operations.js';
import { noise } from '../support/image-inputs.js';
import { routerTree, smallBoard, sysupgradeImage } from '../support/router-image.js';

const profile = smallBoard();
const images = new Map<string, Uint8Array>();
const packages = {
  '/usr/lib/opkg/info/busybox.control': 'Package: busybox\n',
  '/usr/lib/opkg/info/telnet.control': 'Package: telnet\n',
  '/etc/config/telnet': 'config telnet\n',
  '/etc/config/same': 'old default\n',
  '/etc/config/theirs': 'old default\n',
  '/etc/config/both': 'old default\n',
};

beforeAll(async () => {
  images.set('old', await sysupgradeImage(profile, routerTree(packages), 60_000));
  const newer = Object.fromEntries(Object.entries(packages).filter(([path]) => !path.includes('telnet')));
  const changed = { '/etc/config/same': 'new\n', '/etc/config/theirs': 'new\n', '/etc/config/both': 'new\n' };
  images.set('new', await sysupgradeImage(profile, routerTree({ ...newer, ...changed }), 90_000));
  const other = { ...profile, boardName: 'acme,other', supportedDevices: ['acme,other'] };
  images.set('other', await sysupgradeImage(other, routerTree(), 60_000));
  const tight = routerTree({ '/lib/filler': Buffer.from(fillerBytes(1_050_000, 5)).toString('latin1') });
  images.set('tight', await sysupgradeImage(profile, tight, 60_000));
});

function image(name: string): Uint8Array {
  const found = images.get(name);
  if (!found) throw new Error(`no image ${name}`);
  return found;
}

function running(device: Device): RunningSystem {
  const result = boot(device);
  if (result.kind === 'no-boot') throw new Error(result.reason);
  return result.system;
}

function started(change: (system: RunningSystem) => void): RunningSystem {
  const system = running(new Device({ profile, chip: chipFromImage(profile, image('old')) }));
  change(system);
  return system;
}

const put = (system: RunningSystem, path: string, text: string, mode?: number): void => {
  writeDeviceFile(system, path, Buffer.from(text), mode);
};
const digestOf = ({ root }: RunningSystem): TreeDigest => digestTree(root, root.root);

/** An archive of settings with one file. */
function archiveOf(path: string, text: string): Uint8Array {
  const tree = newDirectory();
  tree.entries.set(byteStringFromText(path), {
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeNs: 0n,
    xattrs: new Map(),
    content: bytesContent(Buffer.from(text)),
  });
  return gzipSync(writeArchive(tree, { format: 'pax', compression: 'none' }));
}

function userChanges(system: RunningSystem): void {
  put(system, '/etc/config/network', 'mine\n');
  put(system, '/srv/notes', 'notes\n', 0o600);
  removeDeviceFile(system, '/etc/config/same', false);
  changeDeviceMode(system, '/etc/passwd', 0o600);
  changeDeviceMode(system, '/lib', 0o700);
  removeDeviceFile(system, '/etc/init.d', true);
  makeDeviceFolder(system, '/etc/init.d', false);
  put(system, '/etc/init.d/own', '#!/bin/sh\n', 0o755);
}

function hidden(system: RunningSystem): void {
  userChanges(system);
  put(system, '/srv/.ssh/known_hosts', 'k\n');
  put(system, '/srv/.ssh/deep/er', 'k\n');
  put(system, '/srv/.profile', 'p\n');
  put(system, '/srv/.hidden/a', 'a\n');
}

describe('the preview of a reset', () => {
  const cases: readonly [string, (system: RunningSystem) => void, ResetPreviewOptions][] = [
    ['of an unchanged device', () => undefined, {}],
    ['by command', userChanges, {}],
    ['past hidden folders', hidden, {}],
    ['by the button', hidden, { via: 'button' }],
    ['by mtd erase', hidden, { via: 'mtd-erase' }],
    ['in failsafe', hidden, { via: 'failsafe' }],
    ['as it should be', hidden, { thorough: true }],
    [
      'that keeps an archive',
      (system) => {
        hidden(system);
        writeDeviceFile(system, '/sysupgrade.tgz', archiveOf('restored', 'from the archive\n'));
        put(system, '/srv/sysupgrade.tgz', 'any file of this name');
      },
      { keepSettings: true },
    ],
    [
      'that does not keep an archive',
      (system) => {
        writeDeviceFile(system, '/sysupgrade.tgz', archiveOf('restored', 'from the archive\n'));
      },
      {},
    ],
  ];

  test.each(cases)('%s is what happens', (_, change, options) => {
    const system = started(change);
    const { device } = system;
    const before = digestOf(system);
    const base = digestTree(system.rom, system.rom.root);
    const preview = previewReset(system, options);
    expect(digestOf(system)).toEqual(before);

    let asked = system;
    if (options.via === 'failsafe') {
      system.shutdown();
      const result = boot(device, { failsafe: true });
      if (result.kind === 'no-boot') throw new Error(result.reason);
      asked = result.system;
    }
    const { via, ...others } = options;
    const report = factoryReset(asked, via === undefined || via === 'failsafe' ? others : { ...others, via });
    expect(report.path).toBe(preview.path);
    if (via !== 'mtd-erase') asked.shutdown();
    const after = digestOf(running(device));

    const told = new Map(preview.entries.map((entry) => [entry.path, entry.fate]));
    for (const path of new Set([...before.keys(), ...after.keys(), ...told.keys()])) {
      const found = after.get(path);
      switch (told.get(path)) {
        case 'removed':
        case 'runs-again':
          expect(found, path).toBeUndefined();
          break;
        case 'base':
          expect(found, path).toBe(base.get(path));
          expect(found, path).not.toBe(before.get(path));
          break;
        case 'survives':
          expect(found, path).toBe(before.get(path));
          break;
        case 'archive':
          expect(found, path).toBeDefined();
          break;
        case undefined:
          expect(found, path).toBe(before.get(path));
      }
    }
  });

  test('says why something survives, and that it does', () => {
    const preview = previewReset(started(hidden), {});
    const fates = new Map(preview.entries.map((entry) => [textOf(entry.path), entry]));
    expect(fates.get('/srv/.ssh/known_hosts')).toMatchObject({
      fate: 'survives',
      reason: 'the reset does not enter hidden folders',
    });
    expect(fates.get('/srv/.profile')?.fate).toBe('removed');
    expect(fates.get('/etc/config/same')?.fate).toBe('base');
    expect(fates.get('/etc/uci-defaults/10_first')?.fate).toBe('runs-again');
    expect(preview.verdict).toMatch(/^not clean: /);
  });

  test('by the button on a RAM overlay says that nothing happens', () => {
    const device = new Device({ profile, chip: chipFromImage(profile, image('old')) });
    const result = boot(device, { stopInPreinit: true });
    if (result.kind === 'no-boot') throw new Error(result.reason);
    expect(previewReset(result.system, { via: 'button' })).toMatchObject({ path: 'nothing', entries: [] });
  });
});

function settings(system: RunningSystem): void {
  put(system, '/etc/config/network', 'mine\n', 0o600);
  put(system, '/etc/config/same', 'new\n');
  put(system, '/etc/config/both', 'mine too\n');
  put(system, '/etc/config/telnet', 'mine as well\n');
  put(system, '/etc/config/own', 'own\n');
  put(system, '/srv/notes', 'notes\n');
  put(system, '/usr/lib/opkg/info/tcpdump.control', 'Package: tcpdump\n');
}

describe('the preview of an upgrade', () => {
  const cases: readonly [string, string, UpgradeOptions, (system: RunningSystem) => void][] = [
    ['to the same image', 'old', {}, settings],
    ['to a new image', 'new', {}, settings],
    ['without settings', 'new', { keepSettings: false }, settings],
    ['with changed files of /etc', 'new', { changedEtc: true }, settings],
    ['with all changed files', 'new', { changedAll: true }, settings],
    ['without what equals the base', 'new', { skipEqual: true }, settings],
    ['of an unchanged device', 'new', {}, () => undefined],
    ['to an image of another board', 'other', {}, settings],
    ['to an image of another board, forced', 'other', { force: true }, settings],
    [
      'with more settings than there is room',
      'tight',
      {},
      (system) => {
        writeDeviceFile(system, '/etc/config/huge', noise(900_000));
      },
    ],
  ];

  test.each(cases)('%s is what happens', (_, name, options, change) => {
    const system = started(change);
    const { device } = system;
    const before = digestTree(system.root, system.root.root, { times: true });
    const preview = previewUpgrade(system, image(name), options);
    expect(digestTree(system.root, system.root.root, { times: true })).toEqual(before);

    const result = sysupgrade(system, image(name), options);
    expect(result.kind === 'refused').toBe(preview.verdict === 'refused');
    if (result.kind === 'refused') return;
    const upgraded = running(device);
    const codes = device.findings.list().map(({ code }) => code);
    const { archive } = preview;
    const fits = archive === undefined || archive.eraseBlocks <= archive.eraseBlocksLeft;
    expect(codes.includes('config-cut')).toBe(!fits);
    if (!fits) return;

    const after = digestTree(upgraded.root, upgraded.root.root, { times: true });
    const base = digestTree(upgraded.rom, upgraded.rom.root, { times: true });
    const contentOf = (digest: TreeDigest, path: ByteString): string | undefined =>
      digest.get(path)?.split(' ')[5];
    for (const { path, fate } of preview.kept) {
      expect(after.get(path), path).toBe(before.get(path));
      const mine = contentOf(after, path);
      const fresh = contentOf(base, path);
      if (fate === 'same-as-new') expect(mine, path).toBe(fresh);
      else if (fate === 'orphaned') expect(fresh, path).toBeUndefined();
      else expect(mine, path).not.toBe(fresh);
    }
    for (const path of preview.lost) expect(after.get(path), path).toBe(base.get(path));
    const now = new Set(packagesOf(keepListSystem(upgraded), device.branch).map((found) => found.name));
    for (const dropped of preview.droppedPackages) {
      const carried = preview.kept.some(({ path }) => path.includes(`/${dropped.name}.`));
      expect(now.has(dropped.name), dropped.name).toBe(carried);
    }
  });

  test('compares each preserved file with both defaults, and names the packages that go', () => {
    const preview = previewUpgrade(started(settings), image('new'), {});
    const fates = Object.fromEntries(preview.kept.map(({ path, fate }) => [textOf(path), fate]));
    expect(fates).toMatchObject({
      '/etc/config/network': 'kept',
      '/etc/config/own': 'kept',
      '/etc/config/same': 'same-as-new',
      '/etc/config/theirs': 'old-default',
      '/etc/config/both': 'conflict',
      '/etc/config/telnet': 'orphaned',
    });
    expect(preview.lost.map(textOf)).toEqual(['/srv/notes', '/usr/lib/opkg/info/tcpdump.control']);
    expect(preview.droppedPackages).toEqual([
      { name: 'tcpdump', from: 'overlay' },
      { name: 'telnet', from: 'rom' },
    ]);
    expect(preview.verdict).toBe('attention');
  });

  test('is safe where nothing needs a look', () => {
    const preview = previewUpgrade(
      started((system) => {
        put(system, '/etc/config/network', 'mine\n');
      }),
      image('old'),
      { skipEqual: true },
    );
    expect(preview).toMatchObject({ verdict: 'safe', reasons: [] });
  });
});
