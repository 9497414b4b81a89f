/**
 * Extroot: an overlay, or a whole root, on storage of its own, as /etc/config/fstab asks for it.
 *
 * `block extroot` (package block-mount) is run twice: before rootfs_data is looked at, and once it is mounted. It copies
 * nothing: what is on the flash is hidden while the storage is there.
 *
 * @see openwrt fstools block.c (`main_extroot`, `mount_extroot`, `check_extroot`), libfstools/extroot.c
 */
import { createHash } from 'node:crypto';
import { FsError, makeDirectories, writeFile, type FileSystem } from '../../vfs/index.js';
import type { Device } from '../device/device.js';
import { devicePath, findFile, readFileIfThere } from '../device-files.js';
import type { Extroot, RunningSystem } from '../device/system.js';
import type { FindingCode } from '../findings.js';
import { readFstab, type Fstab } from '../device/fstab.js';

/** File systems that are taken, by the start of their names. */
const takenTypes = /^(ext|f2fs|btrfs|ntfs|ubifs)/;
/** Bytes of a squashfs superblock. */
const superblockSize = 96;

/**
 * Runs `block extroot`.
 *
 * @param overlay   rootfs_data where it is mounted as the overlay to be
 * @param look  reads the fstab of rootfs_data, or else of the root
 * @returns undefined when the boot goes on with what the flash has; findings tell why
 */
export function findExtroot(
  system: RunningSystem,
  overlay: FileSystem | undefined,
  look: () => Fstab,
): Extroot | undefined {
  const { device, rom } = system;
  const programs: [FileSystem | undefined, string][] = [
    [overlay, '/upper/sbin/block'],
    [overlay, '/sbin/block'],
    [rom, '/sbin/block'],
  ];
  if (!programs.some(([fs, path]) => fs && findFile(fs, devicePath(path)) !== undefined)) {
    const { extroot } = readFstab(overlay, rom);
    if (extroot) device.findings.add('extroot-no-program', extroot.source);
    return undefined;
  }
  const first = device.branch.extrootTriesOverlayFirst
    ? tryExtroot(system, readFstab(overlay, rom))
    : undefined;
  return first ?? tryExtroot(system, look());
}

function tryExtroot({ device, split }: RunningSystem, { extroot, delaySeconds }: Fstab): Extroot | undefined {
  if (!extroot) return undefined;
  const { target, source } = extroot;
  let storage = device.findStorage(extroot);
  if (!storage && delaySeconds > 0) {
    device.timeline.log('preinit', `extroot: ${source} is not there yet, waiting ${delaySeconds} s`);
    device.timeline.wait(delaySeconds * 1000);
    storage = device.findStorage(extroot);
  }
  const refuse = (finding: FindingCode, why: string): Extroot | undefined => {
    device.timeline.log('preinit', `extroot on ${target}: ${source} ${why}`);
    device.findings.add(finding, source);
    return undefined;
  };
  if (!storage) return refuse('extroot-missing', 'is not there');
  if (!takenTypes.test(storage.options.type))
    return refuse('extroot-unsupported', `holds ${storage.options.type}`);
  const fs = storage.mount();
  if (target === '/overlay' && !isOfRoot(device, fs, rootUuid(device, split.rootfs?.offset ?? 0)))
    return refuse('extroot-other-root', 'belongs to another firmware');
  if (target === '/overlay' && findFile(fs, devicePath('/upper')) === undefined)
    device.findings.add('extroot-fresh', source);
  device.timeline.log('preinit', `switched to extroot on ${target}: ${source}`);
  return { target, storage, fs };
}

/**
 * Compares the firmware that an overlay was made for with the one that runs; a first use writes it down.
 *
 * Since March 2023 the comparison is left out unless etc/.extroot-default is there, which was to leave it out.
 */
function isOfRoot(device: Device, fs: FileSystem, uuid: string): boolean {
  const noted = readFileIfThere(fs, devicePath('/etc/.extroot-uuid'));
  const same = noted !== undefined && Buffer.from(noted).toString('latin1').toLowerCase() === uuid;
  const marker = findFile(fs, devicePath('/etc/.extroot-default'));
  if (device.branch.extrootCheck === 'with-default-file' && marker === undefined) {
    if (noted && !same) device.findings.add('extroot-unchecked', 'etc/.extroot-uuid');
    return true;
  }
  if (noted) return same;
  try {
    makeDirectories(fs, devicePath('/etc'));
    writeFile(fs, devicePath('/etc/.extroot-uuid'), Buffer.from(uuid));
  } catch (error) {
    // The program goes on without it.
    if (!(error instanceof FsError)) throw error;
  }
  return true;
}

/** The UUID that fstools give a squashfs: the MD5 of its superblock, as four words of the processor, last first. */
export function rootUuid(device: Device, rootfsOffset: number): string {
  const superblock = device.firmware().read(rootfsOffset, superblockSize);
  const digest = createHash('md5').update(superblock).digest();
  const word = (at: number): string =>
    (device.profile.endianness === 'big' ? digest.readUInt32BE(at) : digest.readUInt32LE(at))
      .toString(16)
      .padStart(8, '0');
  return [12, 8, 4, 0].map(word).join('-');
}
