/**
 * The upgrade: checks, backup of the settings, writing of the image block by block, reboot.
 *
 * Source: openwrt base-files sbin/sysupgrade, lib/upgrade/*.sh, procd sysupgrade.c (19.07 to 25.12).
 */
import { gunzipSync } from 'node:zlib';
import { FormatError, type ByteString } from '../../core/index.js';
import { readChunks } from '../../firmware/index.js';
import { imageMetadata } from './image-metadata.js';
import { insertIntoImage, type Insertion } from '../../jffs2/index.js';
import { fixHeaderOfImage } from '../boot/fix-header.js';
import type { Device } from '../device/device.js';
import { devicePath, readLines } from '../device-files.js';
import { keepList, type KeepListOptions, type KeepListSystem } from '../settings/keep-list.js';
import { mtdWrite, type MtdWriteReport } from '../device/mtd.js';
import { packageListFile } from '../settings/package-list.js';
import { platformRefusal } from './platform-check.js';
import { gatherSettings } from '../settings/settings-archive.js';
import { writeSettingsArchive } from '../settings/settings-file.js';
import type { RunningSystem } from '../device/system.js';
import { checkMetadata, type UpgradeVerdict } from './image-checks.js';

/** Options of the command. */
export interface UpgradeOptions extends KeepListOptions {
  /** false is -n. */
  readonly keepSettings?: boolean;
  /** -F */
  readonly force?: boolean;
  /** -T: check only. */
  readonly test?: boolean;
  /** -k: list the installed packages in the backup. */
  readonly listPackages?: boolean;
  /** -f: an archive to carry instead of a backup made now. */
  readonly settings?: Uint8Array;
  readonly ignoreMinorCompat?: boolean;
  /** Carry the settings in the form that survives garbage collection; default: as the device does. */
  readonly safeCarrier?: boolean;
}

/** How an upgrade ended. */
export type UpgradeResult =
  | { readonly kind: 'refused'; readonly verdict: UpgradeVerdict }
  | { readonly kind: 'checked'; readonly verdict: UpgradeVerdict }
  | {
      readonly kind: 'written';
      readonly verdict: UpgradeVerdict;
      readonly write: MtdWriteReport;
      readonly kept: readonly ByteString[];
      readonly archiveSize: number;
    };

/** Targets whose images must carry metadata (REQUIRE_IMAGE_METADATA=1). */
const metadataTargets = /^(ath79|ramips|lantiq|mpc85xx|ipq40xx)\//;

/** An archive made by sysupgrade -f must be gzip. */
const gzipMagic = [0x1f, 0x8b] as const;

/** Everything the device checks of an image before it flashes it. */
export function validateImage(
  system: RunningSystem,
  image: Uint8Array,
  options: UpgradeOptions,
): UpgradeVerdict {
  const { device } = system;
  const metadata = imageMetadata(image);
  const unpacked = unpackedImage(image, device);
  const verdict = checkMetadata(
    metadata,
    {
      boardName: device.profile.boardName,
      compatVersion: deviceCompatVersion(system),
      requiresMetadata: metadataTargets.test(device.profile.target),
    },
    device.branch,
    { keepSettings: options.keepSettings !== false, ignoreMinorCompat: options.ignoreMinorCompat ?? false },
  );
  const reasons = [...verdict.reasons];
  if (image.length === 0) reasons.push({ reason: 'empty-image', text: 'the image is empty' });
  if (!unpacked) {
    const text = 'the image is gzip that cannot be unpacked, or far larger than the flash';
    reasons.push({ reason: 'damaged-gzip', text });
  }
  const platform = unpacked && unpacked.length > 0 ? platformRefusal(unpacked, device.profile) : undefined;
  if (platform !== undefined) reasons.push({ reason: 'platform-check', text: platform });
  if (options.settings && !startsWith(options.settings, gzipMagic))
    reasons.push({ reason: 'bad-settings', text: 'the archive of settings is not gzip' });
  const forceable = verdict.forceable && unpacked !== undefined && image.length > 0;
  return { valid: reasons.length === 0, forceable, reasons };
}

/**
 * Runs the upgrade up to the reboot, which the caller makes; a written image is not yet a booted one.
 *
 * @throws PowerCut
 */
export function sysupgrade(
  system: RunningSystem,
  file: Uint8Array,
  options: UpgradeOptions = {},
): UpgradeResult {
  const { device } = system;
  const verdict = validateImage(system, file, options);
  device.timeline.log('upgrade', verdict.valid ? 'image accepted' : `image refused: ${reasonsText(verdict)}`);
  if (!verdict.valid && !(options.force && verdict.forceable)) return { kind: 'refused', verdict };
  if (options.test) return { kind: 'checked', verdict };

  const image = unpackedImage(file, device) ?? file;
  const { archive, kept } = backup(system, options);
  system.shutdown();
  // TERM, four seconds, KILL, six seconds; then a second before the reboot.
  device.timeline.wait(11_000);

  const write = writeFirmware(device, image, archive, options.safeCarrier);
  device.timeline.wait(1000);
  return { kind: 'written', verdict, write, kept, archiveSize: archive?.length ?? 0 };
}

/** Writes an image to `firmware` from the boot loader: no checks, no settings, the rest of the partition erased. */
export function recoveryFlash(device: Device, file: Uint8Array): MtdWriteReport {
  device.chip.powerOn();
  device.timeline.log('recovery', 'flashing from the boot loader');
  const firmware = device.firmware();
  const report = mtdWrite(firmware, unpackedImage(file, device) ?? file);
  const { eraseSize, size } = firmware.geometry;
  for (let offset = report.blocksWritten * eraseSize; offset < size; offset += eraseSize)
    firmware.erase(offset);
  return report;
}

/** Writes an image with its carried settings, and notes what the real tool would pass over in silence. */
export function writeFirmware(
  device: Device,
  image: Uint8Array,
  archive: Uint8Array | undefined,
  safeCarrier = device.safeCarrier,
): MtdWriteReport {
  const firmware = device.firmware();
  const { eraseSize, size } = firmware.geometry;
  const withSettings = archive && carrySettings(device, image, archive, eraseSize, safeCarrier)?.bytes;
  const write = mtdWrite(firmware, withSettings ?? image);
  if (withSettings) fixHeaderOfImage(device);
  // What the real tool inserts behind the image and does not fit is lost without a word.
  if (withSettings && withSettings.length > size) device.findings.add('config-cut', 'firmware');
  if (write.outOfSpace && !(withSettings && image.length <= size))
    device.findings.add('image-cut', 'firmware');
  if (readChunks(image).length > 0) device.findings.add('trailer-in-flash', 'firmware');
  if (write.blocksWritten * eraseSize < size) {
    device.findings.add('stale-blocks-behind', 'firmware');
  }
  device.timeline.log('upgrade', `wrote ${write.blocksWritten} erase blocks`);
  return write;
}

/** Puts the archive where the end marker stands; an image without one at an erase block loses the settings. */
export function carrySettings(
  device: Device,
  image: Uint8Array,
  archive: Uint8Array,
  eraseSize: number,
  safeCarrier = device.safeCarrier,
): Insertion | undefined {
  const seconds = Number(device.clock.nowNs() / 1_000_000_000n);
  try {
    return insertIntoImage(
      image,
      {
        name: devicePath('sysupgrade.tgz'),
        content: archive,
        mode: 0o100600,
        atime: seconds,
        mtime: seconds,
        ctime: seconds,
      },
      { endian: device.profile.endianness, eraseSize, form: safeCarrier ? 'safe' : 'mtd' },
    );
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    device.findings.add('config-not-carried', error.message);
    return undefined;
  }
}

/** What an upgrade carries. */
export interface Backup {
  /** undefined when nothing is carried. */
  readonly archive: Uint8Array | undefined;
  readonly kept: readonly ByteString[];
}

/** Makes the backup that the upgrade carries; nothing on the device changes. */
export function backup(system: RunningSystem, options: UpgradeOptions): Backup {
  if (options.settings) return { archive: options.settings, kept: [] };
  if (options.keepSettings === false) return { archive: undefined, kept: [] };
  if (system.mode === 'ram-overlay' || system.root === system.rom) {
    system.device.findings.add('no-backup-on-ram', system.mode);
    return { archive: undefined, kept: [] };
  }
  const parts = keepListSystem(system);
  const kept = keepList(parts, system.device.branch, options);
  const packages = options.listPackages ? packageListFile(parts, system.device.branch) : undefined;
  const tree = gatherSettings(system.root, kept, system.device.branch, packages);
  return { archive: writeSettingsArchive(tree), kept };
}

/** The running system as the lists of the upgrade see it. */
export function keepListSystem({ root, rom, overlay }: RunningSystem): KeepListSystem {
  return { root, rom, upper: overlay && { fs: overlay.fs, directory: overlay.upper } };
}

/** An image as `mtd` is fed with it: unpacked where it is gzip; undefined when it is damaged or no flash could hold it. */
export function unpackedImage(file: Uint8Array, { profile }: Device): Uint8Array | undefined {
  if (!startsWith(file, gzipMagic)) return file;
  try {
    return gunzipSync(file, { maxOutputLength: 4 * profile.flash.size });
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, i) => bytes[i] === byte);
}

/**
 * `system.@system[0].compat_version` of the configuration. Where it says nothing, the value that the board's own run-once
 * script (`05_compat-version`) would have set at the first boot: the profile's.
 */
function deviceCompatVersion(system: RunningSystem): string {
  for (const line of readLines(system.root, devicePath('/etc/config/system'))) {
    const match = /^\s*option\s+compat_version\s+['"]?([\d.]+)['"]?/.exec(line);
    if (match?.[1]) return match[1];
  }
  return system.device.profile.compatVersion;
}

function reasonsText(verdict: UpgradeVerdict): string {
  return verdict.reasons.map(({ text }) => text).join('; ');
}
