/**
 * The proofs of `firmwright check`, one function each: a fresh device, the steps a user would take, what must hold.
 *
 * A proof returns its problems, one line each; none means proven.
 */
import { textOf, type ByteString } from '../../core/index.js';
import { FsError, makeDirectories, removeTree, writeFile } from '../../vfs/index.js';
import { boot, bootToFlash } from '../boot/boot.js';
import type { CheckSubject } from './subject.js';
import { operationsOf, writeOrderProblems } from './write-order.js';
import type { Device } from '../device/device.js';
import { devicePath, findFile, parentOf } from '../device-files.js';
import { factoryReset, type ResetOptions } from '../reset/factory-reset.js';
import { readOverlayState } from '../overlay/fs-state.js';
import { fillDevice } from '../device/filler.js';
import { partitionHashes } from '../device/partition-hashes.js';
import { staleBytes, type StaleKind } from '../device/stale-flash.js';
import { sysupgrade, type UpgradeOptions, type UpgradeResult } from '../upgrade/sysupgrade.js';
import type { RunningSystem } from '../device/system.js';
import {
  digestDifferences,
  digestPaths,
  digestTree,
  hash,
  upperDigest,
  type TreeDigest,
} from '../tree-digest.js';

/** Files that stand for a user's settings: on the keep list, with owner, mode, time and a link. */
const settings: readonly { readonly path: string; readonly text: string; readonly mode: number }[] = [
  { path: '/etc/config/firmwright-check', text: "config check 'a'\n\toption value '1'\n", mode: 0o600 },
  { path: '/etc/firmwright/notes', text: 'kept because sysupgrade.conf says so\n', mode: 0o640 },
];
const keepConf = {
  path: '/etc/sysupgrade.conf',
  text: '/etc/config/\n/etc/firmwright/\n/etc/sysupgrade.conf\n',
};
const keptLink = { path: '/etc/firmwright/link', target: 'notes' };
const keptXattr = { name: devicePath('user.firmwright'), value: Uint8Array.of(1, 0, 255) };
const carrierPath = devicePath('/sysupgrade.tgz');
const scriptPath = devicePath('/etc/uci-defaults/10_disable_services');
const unkept = { path: '/srv/not-kept', text: 'gone after an upgrade\n' };

/** Paths whose owner, mode, time, xattrs and content an upgrade must carry. */
export const keptPaths: readonly ByteString[] = [
  ...settings.map(({ path }) => path),
  keptLink.path,
  keepConf.path,
].map(devicePath);

/** Writes what a user would have changed. */
export function writeSettings(system: RunningSystem): void {
  const { root } = system;
  for (const { path, text, mode } of settings) {
    makeDirectories(root, devicePath(path.slice(0, path.lastIndexOf('/'))));
    const ino = writeFile(root, devicePath(path), Buffer.from(text));
    root.setxattr(ino, keptXattr.name, keptXattr.value);
    root.setattr(ino, { mode, uid: 100, gid: 101, mtimeNs: 1_600_000_000_000_000_000n });
  }
  const { directory, name } = parentOf(root, devicePath(keptLink.path));
  root.symlink(directory, name, devicePath(keptLink.target), { mode: 0o777, uid: 0, gid: 0 });
  writeFile(root, devicePath(keepConf.path), Buffer.from(keepConf.text));
  makeDirectories(root, devicePath('/srv'));
  writeFile(root, devicePath(unkept.path), Buffer.from(unkept.text));
  root.sync();
}

/** Digest of the kept files as the merged root shows them. */
export function settingsDigest(system: RunningSystem): TreeDigest {
  return digestPaths(system.root, keptPaths);
}

/** First boot reaches a clean overlay on the flash, marked READY, and the tree is the squashfs's. */
export function proveFirstBoot(subject: CheckSubject): readonly string[] {
  const device = subject.newDevice();
  const system = bootToFlash(device);
  if (typeof system === 'string') return [system];
  const problems = stateProblems(system, 'the first boot');
  const skip = (path: string): boolean =>
    path === '/etc/uci-defaults' || path.startsWith('/etc/uci-defaults/');
  problems.push(
    ...digestDifferences(
      digestTree(system.rom, system.rom.root, { skip }),
      digestTree(system.root, system.root.root, { skip }),
    ),
  );
  const scripts = findFile(system.root, devicePath('/etc/uci-defaults'));
  if (scripts !== undefined) {
    for (const { name } of system.root.readdir(scripts))
      problems.push(`/etc/uci-defaults/${textOf(name)}: the script ran at the first boot and is still there`);
  }
  return problems;
}

function stateProblems({ device, jffs2 }: RunningSystem, after: string): string[] {
  if (!device.branch.keepsState || !jffs2) return [];
  const state = readOverlayState(jffs2, jffs2.root);
  return state === 'ready' ? [] : [`.fs_state after ${after}: expected ready, found ${state}`];
}

/** Settings survive an orderly reboot, and what was removed from the base stays removed. */
export function proveReboot(subject: CheckSubject): readonly string[] {
  return onFreshSystem(subject, (system) => {
    writeSettings(system);
    removeOfBase(system);
    const before = digestTree(system.root, system.root.root);
    system.shutdown();
    const again = bootToFlash(system.device);
    if (typeof again === 'string') return [again];
    return digestDifferences(before, digestTree(again.root, again.root.root));
  });
}

/** Removes one file of the read-only root: the first of /etc. */
function removeOfBase(system: RunningSystem): void {
  const etc = findFile(system.rom, devicePath('/etc'));
  if (etc === undefined) return;
  const files = system.rom.readdir(etc).filter(({ type }) => type === 'file');
  const [name] = files.map((entry) => entry.name).sort();
  if (name !== undefined) removeTree(system.root, `/etc/${name}` as ByteString);
}

/** A full overlay still boots, deletes, and resets. */
export function proveFull(subject: CheckSubject): readonly string[] {
  return onFreshSystem(subject, (system) => {
    const bytes = fillDevice(system, '/srv/fill', 16384);
    if (bytes === 0) return ['the overlay takes no file at all'];
    system.shutdown();
    const full = bootToFlash(system.device);
    if (typeof full === 'string') return [`full overlay: ${full}`];
    const first = devicePath('/srv/fill/fill-00000');
    const folder = findFile(full.root, devicePath('/srv/fill'));
    if (folder === undefined || findFile(full.root, first) === undefined)
      return ['files of the full overlay are gone'];
    try {
      full.root.unlink(folder, devicePath('fill-00000'));
    } catch (error) {
      if (error instanceof FsError) return [`a full overlay refuses to delete: ${error.message}`];
      throw error;
    }
    return resetAndCompare(subject, full, {});
  });
}

/** One way of resetting gives back the fresh tree and touches nothing but rootfs_data. */
export function proveReset(
  subject: CheckSubject,
  way: 'command' | 'button' | 'failsafe' | 'mtd-erase',
): readonly string[] {
  return onFreshSystem(subject, (system) => {
    writeSettings(system);
    if (way !== 'failsafe') return resetAndCompare(subject, system, { via: way });
    system.shutdown();
    const result = boot(system.device, { failsafe: true });
    return result.kind === 'running'
      ? resetAndCompare(subject, result.system, {})
      : [`failsafe does not come up: ${result.reason}`];
  });
}

/** Hidden folders survive the real reset: a known flaw, shown so that the user knows. */
export function showHiddenSurvivors(subject: CheckSubject): void {
  onFreshSystem(subject, (system) => {
    makeDirectories(system.root, devicePath('/srv/.ssh'));
    writeFile(system.root, devicePath('/srv/.ssh/known_hosts'), Buffer.from('survivor\n'));
    factoryReset(system, {});
    return [];
  });
}

/** An upgrade keeps content, mode, owner and time of every preserved file, and nothing else. */
export function proveUpgrade(
  subject: CheckSubject,
  image: Uint8Array,
  options: Pick<UpgradeOptions, 'force'> = {},
): readonly string[] {
  return onFreshSystem(subject, (system) => {
    writeSettings(system);
    const before = settingsDigest(system);
    const { device } = system;
    let result: UpgradeResult | undefined;
    const steps = operationsOf(device.chip, () => {
      result = sysupgrade(system, image, options);
    });
    if (result?.kind !== 'written') {
      return result?.verdict.reasons.map(({ text }) => `the image is refused: ${text}`) ?? [];
    }
    if (result.write.outOfSpace) return ['the image is larger than the partition'];
    const { eraseSize } = device.profile.flash;
    const problems = [
      ...writeOrderProblems(steps, device.firmware().offset, eraseSize, result.write.blocksWritten),
    ];
    const upgraded = bootToFlash(device);
    if (typeof upgraded === 'string') return [...problems, `after the upgrade: ${upgraded}`];
    problems.push(...digestDifferences(before, settingsDigest(upgraded)));
    problems.push(...stateProblems(upgraded, 'the upgrade'));
    for (const path of [carrierPath, scriptPath]) {
      if (findFile(upgraded.root, path) !== undefined)
        problems.push(`${textOf(path)}: carried for the first boot only, and still there`);
    }
    if (findFile(upgraded.root, devicePath(unkept.path)) !== undefined) {
      problems.push(`${unkept.path}: not on the keep list, and still there`);
    }
    return problems;
  });
}

/** Stale bytes behind the image still end in a clean overlay. */
export function proveStale(subject: CheckSubject, kind: StaleKind): readonly string[] {
  const { profile } = subject;
  const device = subject.newDeviceOver(staleBytes(kind, profile.flash.size, profile));
  const system = bootToFlash(device);
  if (typeof system === 'string') {
    const forever = device.findings.list().some(({ code }) => code === 'ram-overlay-forever');
    return [forever ? `${system}; the image carries no end marker where the kernel looks` : system];
  }
  return digestDifferences(subject.freshUpper(), upperDigest(system));
}

function onFreshSystem(
  subject: CheckSubject,
  proof: (system: RunningSystem) => readonly string[],
): readonly string[] {
  if (!subject.settles()) return ['not tried: the first boot does not reach a writable overlay'];
  const system = bootToFlash(subject.freshDevice());
  return typeof system === 'string' ? [system] : proof(system);
}

function resetAndCompare(
  subject: CheckSubject,
  system: RunningSystem,
  options: ResetOptions,
): readonly string[] {
  const { device } = system;
  const outside = outsideRootfsData(device);
  const report = factoryReset(system, options);
  if (report.path === 'nothing') return ['the reset did nothing'];
  if (options.via !== 'mtd-erase') system.shutdown();
  const again = bootToFlash(device);
  if (typeof again === 'string') return [`after the reset: ${again}`];
  const problems = [...digestDifferences(subject.freshUpper(), upperDigest(again))];
  const after = outsideRootfsData(device);
  for (const [label, before] of outside) {
    if (after.get(label) !== before) problems.push(`the reset changed partition ${label}`);
  }
  return problems;
}

/** Hashes of all partitions but `firmware`, and of `firmware` up to rootfs_data. */
function outsideRootfsData(device: Device): ReadonlyMap<string, string> {
  const hashes = new Map([...partitionHashes(device)].sort(([a], [b]) => (a < b ? -1 : 1)));
  hashes.delete('firmware');
  const split = device.split();
  const firmware = device.firmware();
  const end = split.rootfsData?.offset ?? firmware.geometry.size;
  const part = firmware.read(0, end);
  hashes.set('firmware before rootfs_data', hash(part));
  return hashes;
}
