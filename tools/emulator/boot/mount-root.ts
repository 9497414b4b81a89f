/**
 * `mount_root`: which writable layer the root gets at the start of boot, and how it becomes durable at the end.
 *
 * Source: openwrt fstools mount_root.c, libfstools/overlay.c and mtd.c (19.07 to 25.12).
 */
import { byteStringFromText, type ByteString } from '../../core/index.js';
import type { FirmwareSplit } from '../../firmware/index.js';
import { FlashError, type FlashPartition } from '../../flash/index.js';
import {
  type AreaKind,
  areaKind,
  type Compression,
  compressionProfiles,
  type Jffs2FileSystem,
  mountJffs2,
} from '../../jffs2/index.js';
import { mountUnion, policies, type UnionPolicy } from '../../union/index.js';
import { FsError, MemoryFileSystem, treeFromFileSystem, type FileSystem, type Ino } from '../../vfs/index.js';
import type { Branch } from '../branches.js';
import { copyTreeOver } from '../overlay/copy-over.js';
import { deleteByResetRules } from '../overlay/delete-rules.js';
import type { Device } from '../device/device.js';
import { findExtroot } from './extroot.js';
import { readFstab } from '../device/fstab.js';
import { foreignDataName, smallerEraseSize } from './foreign-data.js';
import { readOverlayState, writeOverlayState } from '../overlay/fs-state.js';
import { placeOverlay, type OverlayPlace } from '../overlay/overlay-place.js';
import { readSettingsArchive } from '../settings/settings-file.js';
import { readSnapshot } from './snapshot-volume.js';
import { RunningSystem, type Extroot, type Overlay } from '../device/system.js';

const carrierName = byteStringFromText('sysupgrade.tgz');

/** The overlayfs of kernel 3.10, which records removed names as symlinks. */
const linksAsWhiteouts: UnionPolicy = { ...policies.openwrt, writes: 'overlay-v7' };

/** `mount_root start`: the root becomes writable, on the flash when it is ready, otherwise in RAM. */
export function mountRootStart(device: Device, split: FirmwareSplit, rom: FileSystem): RunningSystem {
  const system = new RunningSystem(device, split, rom, 'read-only');
  if (!system.volume) {
    device.timeline.log('preinit', 'no rootfs_data: the root stays read-only');
    return system;
  }
  const state = volumeState(device, system.volume);
  device.timeline.log('preinit', `rootfs_data holds: ${state}`);
  const { volume } = system;
  const extroot = findExtroot(system, undefined, () => {
    const jffs2 = state === 'jffs2' ? tryMountJffs2(device, volume) : undefined;
    const fstab = readFstab(jffs2, rom);
    jffs2?.unmount();
    return fstab;
  });
  if (extroot) {
    switchToExtroot(system, extroot);
    return system;
  }
  if (state === 'jffs2' && mountOverlay(system, system.volume)) return system;
  if (state === 'foreign') {
    const name = foreignDataName(system.volume.block(0), device.profile.endianness);
    device.findings.add('foreign-data', `rootfs_data: ${name}`);
  }
  mountRamOverlay(system);
  if (state === 'snapshot') unpackSnapshot(system, system.volume);
  return system;
}

/** `mount_root done`: an overlay on the flash becomes READY; a RAM overlay moves to the flash if it can be mounted. */
export function mountRootDone(system: RunningSystem): void {
  if (!system.volume || system.mode === 'read-only' || system.mode === 'failsafe') return;
  const state = volumeState(system.device, system.volume);
  switch (state) {
    case 'jffs2':
      if (system.extroot) noteReady(system, system.extroot);
      else if (system.jffs2 && system.device.branch.keepsState)
        writeOverlayState(system.jffs2, system.jffs2.root, 'ready');
      if (system.mode === 'ram-overlay') system.device.findings.add('ram-overlay-forever', 'rootfs_data');
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

/** The state is written to whatever /overlay is by then. */
function noteReady({ device }: RunningSystem, { target, fs }: Extroot): void {
  if (target === '/overlay' && device.branch.keepsState) writeOverlayState(fs, fs.root, 'ready');
}

/**
 * Mounts what is mounted once more, from nothing but what the device keeps.
 *
 * @param device  the same one, or its fork; a RAM overlay is copied
 * @returns undefined when the flash does not mount
 */
export function mountAgain(system: RunningSystem, device: Device): RunningSystem | undefined {
  const again = new RunningSystem(device, system.split, system.rom, system.mode);
  const { overlay, jffs2 } = system;
  if (jffs2 && again.volume && system.mode === 'jffs2-overlay') {
    again.jffs2 = tryMountJffs2(device, again.volume);
    if (!again.jffs2) return undefined;
    again.overlay = uniteWith(again, placeOverlay(again.jffs2, device.branch.upperAt));
  } else if (system.extroot) {
    const storage = device.storages.get(system.extroot.storage.options.device) ?? system.extroot.storage;
    switchToExtroot(again, { ...system.extroot, storage, fs: storage.mount() });
  } else if (overlay?.fs instanceof MemoryFileSystem) {
    again.overlay = uniteWith(again, placeOverlay(overlay.fs.clone(), 'overlay/upper'));
  }
  return again;
}

/** What mount_root takes the partition for; `jffs2` only when a JFFS2 magic stands where it looks. */
export function volumeState(device: Device, volume: FlashPartition): AreaKind {
  return areaKind(volume.block(0), device.profile.endianness);
}

/** Mounts the partition, or says why the kernel would not. */
function tryMountJffs2(device: Device, volume: FlashPartition): Jffs2FileSystem | undefined {
  try {
    return mountJffs2(volume, {
      endian: device.profile.endianness,
      compression: compressionOf(device),
      clock: device.clock,
      summary: device.profile.jffs2.summary,
      scanCache: device.scanCache(),
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
  const { linux, openwrt } = compressionProfiles;
  return device.remember(compressors.includes('zlib') ? linux : openwrt);
}

function mountOverlay(system: RunningSystem, volume: FlashPartition): boolean {
  const { device } = system;
  const found = smallerEraseSize(volume, device.profile.endianness);
  if (found !== undefined)
    device.findings.add('foreign-data', `rootfs_data: JFFS2 with erase blocks of ${found} bytes`);
  const jffs2 = tryMountJffs2(device, volume);
  if (!jffs2) return false;
  const extroot = findExtroot(system, jffs2, () => readFstab(jffs2, system.rom));
  if (extroot) {
    jffs2.unmount();
    switchToExtroot(system, extroot);
    return true;
  }
  if (device.branch.keepsState) emptyUnlessReady(device, jffs2);
  let place: OverlayPlace | undefined;
  device.attempt('mount of the overlay', () => {
    place = placeOverlay(jffs2, device.branch.upperAt);
  });
  // It stays mounted on /overlay, also where the root is made on RAM for want of the directories.
  system.jffs2 = jffs2;
  if (!place) return false;
  if (place.upper !== jffs2.root) showCarried(device, jffs2, place.upper);
  system.overlay = uniteWith(system, place);
  system.mode = 'jffs2-overlay';
  return true;
}

/** The storage becomes the overlay, or the root itself. */
function switchToExtroot(system: RunningSystem, extroot: Extroot): void {
  system.extroot = extroot;
  system.mode = 'extroot';
  const { target, fs } = extroot;
  if (target === '/overlay')
    system.overlay = uniteWith(system, placeOverlay(fs, system.device.branch.upperAt));
}

/** What a reset left, or a first boot that was cut, goes before the overlay is used. */
function emptyUnlessReady(device: Device, jffs2: Jffs2FileSystem): void {
  const state = readOverlayState(jffs2, jffs2.root);
  if (state === 'ready') return;
  if (state !== 'pending') writeOverlayState(jffs2, jffs2.root, 'pending');
  const { deleted, survivors } = deleteByResetRules(jffs2, jffs2.root, true);
  // Without a state, an archive is the one that an upgrade carries.
  const carried = (path: ByteString): boolean => state !== 'pending' && path === `/${carrierName}`;
  device.findings.noteSurvivors(survivors.filter((path) => !carried(path)));
  // The state itself, written above, is among the deleted.
  if (state !== 'pending' && deleted > 1)
    device.findings.add('overlay-wiped', `rootfs_data: .fs_state ${state}`);
  device.timeline.log('preinit', `overlay was ${state}: emptied`);
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
  system.overlay = uniteWith(system, placeOverlay(ram, 'overlay/upper'));
  system.mode = 'ram-overlay';
  system.device.timeline.enterRam();
  system.device.timeline.log('preinit', 'RAM overlay');
}

/** A snapshot's archives become the RAM overlay, data first, then the configuration. */
function unpackSnapshot(system: RunningSystem, volume: FlashPartition): void {
  const records = readSnapshot(volume);
  for (const { kind, sequence, archive } of records) {
    const { tree } = readSettingsArchive(archive);
    if (tree) copyTreeOver(system.root, system.root.root, tree, 'keep');
    system.device.timeline.log(
      'preinit',
      tree ? `unpacked snapshot ${kind} ${sequence}` : `snapshot ${kind} ${sequence} is damaged`,
    );
  }
  if (records.length === 0) system.device.findings.add('foreign-data', 'rootfs_data: a damaged snapshot');
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
  if (jffs2.readdir(jffs2.root).length > 0) device.findings.add('block0-blank', 'rootfs_data');
  device.timeline.log('done', 'copying the RAM overlay to flash');
  const whole = device.branch.upperAt === 'overlay/upper';
  const tree = treeFromFileSystem(ram.fs, whole ? ram.fs.root : ram.upper);
  let place: OverlayPlace;
  try {
    copyTreeOver(jffs2, jffs2.root, tree);
    place = placeOverlay(jffs2, device.branch.upperAt);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    device.timeline.log('done', `copy failed, staying on RAM: ${error.message}`);
    jffs2.unmount();
    return;
  }
  ram.union.unmount();
  system.overlay = uniteWith(system, place);
  system.jffs2 = jffs2;
  system.mode = 'jffs2-overlay';
  copyAgain(ram, system.overlay);
  jffs2.sync();
  if (device.branch.keepsState) writeOverlayState(jffs2, jffs2.root, 'ready');
  device.timeline.leaveRam();
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

function uniteWith(system: RunningSystem, place: OverlayPlace): Overlay {
  return uniteOver(system.rom, place, system.device.branch);
}

/** Mounts the union that a branch mounts over the read-only root. */
export function uniteOver(rom: FileSystem, place: OverlayPlace, { upperAt }: Branch): Overlay {
  const { fs, upper, work } = place;
  const union = mountUnion({
    lowers: [{ fs: rom, name: '/rom' }],
    upper: { fs, root: upper, name: `/${upperAt}` },
    work,
    policy: upperAt === 'overlay' ? linksAsWhiteouts : policies.openwrt,
  });
  return { ...place, union };
}
