/**
 * `mount_root`: which writable layer the root gets at the start of boot, and how it becomes durable at the end.
 *
 * Source: openwrt fstools mount_root.c, libfstools/overlay.c and mtd.c (19.07 to 25.12).
 */
import { byteStringFromText, type ByteString } from '../core/index.js';
import type { FirmwareSplit } from '../firmware/index.js';
import { FlashError, type FlashPartition } from '../flash/index.js';
import {
  type AreaKind,
  areaKind,
  type Compression,
  compressionProfiles,
  type Jffs2FileSystem,
  mountJffs2,
} from '../jffs2/index.js';
import { mountUnion, policies } from '../union/index.js';
import { FsError, MemoryFileSystem, treeFromFileSystem, type FileSystem, type Ino } from '../vfs/index.js';
import { copyTreeOver } from './copy-over.js';
import { deleteByResetRules } from './delete-rules.js';
import type { Device } from './device.js';
import { readOverlayState, writeOverlayState } from './fs-state.js';
import { RunningSystem, type Overlay } from './system.js';

const upperName = byteStringFromText('upper');
const workName = byteStringFromText('work');
const carrierName = byteStringFromText('sysupgrade.tgz');
const ownedByRoot = { uid: 0, gid: 0 };

/** `mount_root start`: the root becomes writable, on the flash when it is ready, otherwise in RAM. */
export function mountRootStart(device: Device, split: FirmwareSplit, rom: FileSystem): RunningSystem {
  const system = new RunningSystem(device, split, rom, 'read-only');
  if (!system.volume) {
    device.timeline.log('preinit', 'no rootfs_data: the root stays read-only');
    return system;
  }
  const state = volumeState(device, system.volume);
  device.timeline.log('preinit', `rootfs_data holds: ${state}`);
  if (state === 'jffs2' && mountOverlay(system, system.volume)) return system;
  mountRamOverlay(system);
  return system;
}

/** `mount_root done`: an overlay on the flash becomes READY; a RAM overlay moves to the flash if it can be mounted. */
export function mountRootDone(system: RunningSystem): void {
  if (!system.volume || system.mode === 'read-only' || system.mode === 'failsafe') return;
  const state = volumeState(system.device, system.volume);
  switch (state) {
    case 'jffs2':
      if (system.jffs2) writeOverlayState(system.jffs2, system.jffs2.root, 'ready');
      else switchToJffs2(system, system.volume);
      break;
    case 'blank':
    case 'end-marker':
    case 'foreign':
      switchToJffs2(system, system.volume);
      break;
    case 'snapshot':
      break;
  }
}

/** What mount_root takes the partition for; `jffs2` only when a JFFS2 magic stands where it looks. */
export function volumeState(device: Device, volume: FlashPartition): AreaKind {
  return areaKind(volume.block(0), device.profile.endianness);
}

/** Mounts the partition, or says why the kernel would not. */
export function tryMountJffs2(device: Device, volume: FlashPartition): Jffs2FileSystem | undefined {
  try {
    return mountJffs2(volume, {
      endian: device.profile.endianness,
      compression: compressionOf(device),
      clock: device.clock,
      summary: device.profile.jffs2.summary,
    });
  } catch (error) {
    if (!(error instanceof FsError) && !(error instanceof FlashError)) throw error;
    device.timeline.log('kernel', `jffs2 mount failed: ${error.message}`);
    return undefined;
  }
}

/** What the board's kernel compresses with: as on OpenWrt unless its profile names zlib. */
function compressionOf(device: Device): Compression {
  const { compressors } = device.profile.jffs2;
  return compressors.includes('zlib') ? compressionProfiles.linux : compressionProfiles.openwrt;
}

function mountOverlay(system: RunningSystem, volume: FlashPartition): boolean {
  const { device } = system;
  const jffs2 = tryMountJffs2(device, volume);
  if (!jffs2) return false;
  const state = readOverlayState(jffs2, jffs2.root);
  if (state !== 'ready') {
    if (state !== 'pending') writeOverlayState(jffs2, jffs2.root, 'pending');
    const { survivors } = deleteByResetRules(jffs2, jffs2.root, true);
    device.findings.noteSurvivors(survivors);
    device.timeline.log('preinit', `overlay was ${state}: emptied`);
  }
  const upper = directoryIn(jffs2, jffs2.root, upperName);
  const work = directoryIn(jffs2, jffs2.root, workName);
  showCarried(device, jffs2, upper);
  system.jffs2 = jffs2;
  system.overlay = uniteWith(system, jffs2, upper, work);
  system.mode = 'jffs2-overlay';
  return true;
}

/** The carried archive becomes a file of the root; a rename that fails is passed over, as the program does. */
function showCarried(device: Device, jffs2: FileSystem, upper: Ino): void {
  if (jffs2.lookup(jffs2.root, carrierName) === undefined) return;
  try {
    jffs2.rename(jffs2.root, carrierName, upper, carrierName);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    // After a cut upgrade the carried inode may collide with one of the old overlay.
    device.findings.add('old-overlay-visible', error.message);
  }
}

function mountRamOverlay(system: RunningSystem): void {
  const ram = new MemoryFileSystem({ clock: system.device.clock });
  const upper = directoryIn(ram, ram.root, upperName);
  const work = directoryIn(ram, ram.root, workName);
  system.overlay = uniteWith(system, ram, upper, work);
  system.mode = 'ram-overlay';
  system.device.timeline.log('preinit', 'RAM overlay');
}

/**
 * The switch from RAM to flash: mount (which formats), copy everything, mount the real overlay, copy again what
 * changed meanwhile, and only then say READY.
 */
function switchToJffs2(system: RunningSystem, volume: FlashPartition): void {
  const ram = system.overlay;
  if (!ram || system.mode !== 'ram-overlay') return;
  const { device } = system;
  device.timeline.log('done', 'formatting rootfs_data');
  const jffs2 = tryMountJffs2(device, volume);
  if (!jffs2) {
    device.findings.add('ram-overlay-forever', 'rootfs_data');
    return;
  }
  device.timeline.log('done', 'copying the RAM overlay to flash');
  const tree = treeFromFileSystem(ram.fs);
  try {
    copyTreeOver(jffs2, jffs2.root, tree);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    device.timeline.log('done', `copy failed, staying on RAM: ${error.message}`);
    jffs2.unmount();
    return;
  }
  ram.union.unmount();
  const upper = directoryIn(jffs2, jffs2.root, upperName);
  const work = directoryIn(jffs2, jffs2.root, workName);
  system.overlay = uniteWith(system, jffs2, upper, work);
  system.jffs2 = jffs2;
  system.mode = 'jffs2-overlay';
  copyAgain(ram, system.overlay);
  jffs2.sync();
  writeOverlayState(jffs2, jffs2.root, 'ready');
  device.timeline.log('done', 'overlay is on flash');
}

/** `cp -a /tmp/root/upper/* /`: file contents once more, top-level dot names left out. */
function copyAgain(ram: Overlay, overlay: Overlay): void {
  const { union } = overlay;
  const copy = (from: Ino, to: Ino): void => {
    for (const { name, ino, type } of ram.fs.readdir(from)) {
      if (from === ram.upper && name.startsWith('.')) continue;
      const target = union.lookup(to, name);
      if (target === undefined) continue;
      if (type === 'directory') copy(ino, target);
      if (type !== 'file') continue;
      const { size, mtimeNs } = ram.fs.getattr(ino);
      union.setattr(target, { size: 0 });
      union.write(target, 0, ram.fs.read(ino, 0, size));
      union.setattr(target, { mtimeNs });
    }
  };
  copy(ram.upper, union.root);
}

function uniteWith(system: RunningSystem, fs: FileSystem, upper: Ino, work: Ino): Overlay {
  const union = mountUnion({
    lowers: [{ fs: system.rom, name: '/rom' }],
    upper: { fs, root: upper, name: '/overlay/upper' },
    work,
    policy: policies.openwrt,
  });
  return { fs, upper, union };
}

function directoryIn(fs: FileSystem, parent: Ino, name: ByteString): Ino {
  return fs.lookup(parent, name) ?? fs.mkdir(parent, name, { mode: 0o755, ...ownedByRoot });
}
