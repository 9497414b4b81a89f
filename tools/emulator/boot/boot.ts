/**
 * Power on: boot loader, kernel, preinit, and the end of boot.
 *
 * Order and names follow OpenWrt's preinit: the loader checks its header, the kernel splits `firmware` and mounts the
 * squashfs, `mount_root start` makes the root writable, carried settings are restored, run-once scripts run, and
 * `mount_root done` makes the overlay durable.
 */
import { textOf, type ByteString } from '../../core/index.js';
import { type FileSystem, FsError, removeTree, writeFile } from '../../vfs/index.js';
import type { Device } from '../device/device.js';
import { devicePath, findFile, readFileIfThere } from '../device-files.js';
import { fitTakenForRoot } from './fit-threshold.js';
import { fixHeaderOfKernel } from './fix-header.js';
import { readOverlayState } from '../overlay/fs-state.js';
import { mountRootDone, mountRootStart } from './mount-root.js';
import { restoreSettings } from '../settings/settings-archive.js';
import { readSettingsArchive } from '../settings/settings-file.js';
import { RunningSystem } from '../device/system.js';

/** How the user meddles with a boot. */
export interface BootOptions {
  /** Press a button in the failsafe window. */
  readonly failsafe?: boolean;
  /** Leave the device in preinit: `finishBoot` has not run. */
  readonly stopInPreinit?: boolean;
  /** What never ends in preinit, behind the failsafe window: a script of it, or the whole system. */
  readonly hangs?: 'script' | 'kernel';
}

/** Where a boot that does not come up ends. */
export type BootStage = 'boot-loader' | 'kernel' | 'rootfs' | 'preinit';

/** Outcome of a boot. */
export type BootResult =
  | {
      readonly kind: 'no-boot';
      readonly stage: BootStage;
      readonly reason: string;
      /** In the stage preinit: what hangs there. */
      readonly hangs?: BootOptions['hangs'];
    }
  | { readonly kind: 'running'; readonly system: RunningSystem };

const carriedSettings = devicePath('/sysupgrade.tgz');
const scriptFolder = devicePath('/etc/uci-defaults');

/**
 * Turns the device on.
 *
 * @throws PowerCut when the chip's power-cut plan strikes
 */
export function boot(device: Device, options: BootOptions = {}): BootResult {
  device.chip.powerOn();
  return bootPowered(device, options);
}

/** Boots to the end on the flash; a problem line otherwise. */
export function bootToFlash(device: Device): RunningSystem | string {
  const result = boot(device);
  if (result.kind === 'no-boot') return `does not boot: ${result.stage}: ${result.reason}`;
  if (result.system.mode === 'jffs2-overlay') return result.system;
  const causes = device.findings.list().filter(({ code }) => code === 'foreign-data');
  const why = causes.map(({ where }) => `; ${where}`).join('');
  return `runs on ${result.system.mode}, expected jffs2-overlay${why}`;
}

/** Boots with the power-cut plan of the chip left as it is. @throws PowerCut */
export function bootPowered(device: Device, options: BootOptions = {}): BootResult {
  const { timeline } = device;
  timeline.leaveRam();
  timeline.log('boot', 'power on');
  device.bootedAtMs = timeline.nowMs;
  const content = device.bootContent();
  const { split, refusal } = content;
  // The loader reads the kernel, from wherever it lies to the root.
  timeline.wait(((split.rootfs?.offset ?? 0) * device.chip.timing.readByteNs) / 1e6);
  if (refusal !== undefined) return noBoot(device, 'boot-loader', refusal);
  if (!split.rootfs) return noBoot(device, 'kernel', split.problem ?? 'no rootfs in firmware');
  device.runsRelease(content.branch);

  const taken = fitTakenForRoot(device, split);
  if (taken !== undefined) return noBoot(device, 'kernel', taken);

  const { rom } = content;
  if (typeof rom === 'string') return noBoot(device, 'rootfs', rom);

  timeline.wait(device.branch.failsafeWaitSeconds * 1000);
  if (options.failsafe) {
    timeline.log('preinit', 'failsafe');
    return { kind: 'running', system: new RunningSystem(device, split, rom, 'failsafe') };
  }
  if (options.hangs) {
    const reason =
      options.hangs === 'script' ? 'a script of preinit never ends' : 'the system hangs in preinit';
    return { ...noBoot(device, 'preinit', reason), hangs: options.hangs };
  }
  try {
    const system = mountRootStart(device, split, rom);
    restoreCarried(system);
    if (!options.stopInPreinit) finishBoot(system);
    return { kind: 'running', system };
  } catch (error) {
    // A squashfs that is whole in its first blocks only mounts, and fails where init reads on.
    if (error instanceof FsError && error.code === 'EIO') return noBoot(device, 'rootfs', error.message);
    throw error;
  }
}

/** The end of boot: run-once scripts, `mount_root done`, and the carried archive goes. */
export function finishBoot(system: RunningSystem): void {
  if (system.mode !== 'read-only') fixHeaderOfKernel(system);
  runOnceScripts(system);
  mountRootDone(system);
  if (system.mode !== 'read-only' && findFile(system.root, carriedSettings, false) !== undefined) {
    system.device.attempt('removal of sysupgrade.tgz', () => {
      removeTree(system.root, carriedSettings);
      system.root.sync();
    });
  }
  system.device.timeline.log('boot', `up on ${system.mode}`);
}

/** Names of the scripts in /etc/uci-defaults that a boot runs, in order. */
export function runOnceNames(root: FileSystem): readonly ByteString[] {
  const folder = findFile(root, scriptFolder);
  if (folder === undefined) return [];
  const files = root.readdir(folder).filter(({ type }) => type === 'file');
  return files.map(({ name }) => name).sort();
}

function restoreCarried(system: RunningSystem): void {
  if (system.mode === 'read-only') return;
  const bytes = readFileIfThere(system.root, carriedSettings);
  if (!bytes) return;
  // The overlay was emptied for an archive that an upgrade carries; one beside READY was restored by a boot before.
  if (system.jffs2 && readOverlayState(system.jffs2, system.jffs2.root) === 'ready')
    system.device.findings.add('restore-twice', textOf(carriedSettings));
  if (system.device.branch.restoreMovesArchive) removeTree(system.root, carriedSettings);
  const { tree, problem } = readSettingsArchive(bytes);
  if (!tree) {
    system.device.findings.add('config-unreadable', problem);
    system.device.timeline.log('preinit', `nothing restored: ${problem}`);
    return;
  }
  const { device } = system;
  device.attempt('restore of sysupgrade.tgz', () => {
    const { files, missingAccounts } = restoreSettings(system.root, tree, device.branch);
    if (!device.branch.restoreMergesAccounts) {
      for (const account of missingAccounts) device.findings.add('accounts-not-merged', account);
    }
    system.restoredFiles = files;
    device.timeline.log('preinit', `restored ${files} files from sysupgrade.tgz`);
  });
}

/** Runs what the user declared of the scripts in /etc/uci-defaults; each is removed after it ran. */
function runOnceScripts(system: RunningSystem): void {
  if (system.mode === 'read-only') return;
  for (const name of runOnceNames(system.root)) {
    const effect = system.device.scriptEffects.find(({ script }) => devicePath(script) === name);
    system.device.attempt(`run-once script ${textOf(name)}`, () => {
      for (const { path, text } of effect?.writes ?? []) {
        writeFile(system.root, devicePath(path), Buffer.from(text));
      }
      removeTree(system.root, `${scriptFolder}/${name}` as ByteString);
    });
  }
}

function noBoot(device: Device, stage: BootStage, reason: string): Extract<BootResult, { kind: 'no-boot' }> {
  device.timeline.log('boot', `does not boot: ${stage}: ${reason}`);
  return { kind: 'no-boot', stage, reason };
}
