/**
 * Known flaws of the real flows, by code: what happens, and what it means for the user.
 *
 * The emulator reproduces them faithfully and reports each one it meets; a finding is not an error of the image.
 */

import type { ByteString } from '../core/index.js';

/** Every finding, with one sentence each. */
export const findingTexts = {
  'hidden-files-survive':
    'the reset deletes by the pattern `*`: hidden directories are not entered, and they and their parents survive',
  'sysupgrade-tgz-kept': 'a file called sysupgrade.tgz survives the reset and is restored at the next boot',
  'old-data-on-flash':
    'the reset of a mounted overlay only marks files deleted; their bytes stay on the flash',
  'button-needs-overlay': 'the reset button does nothing while the system runs on the RAM overlay',
  'reset-r-ignored':
    'the option -r is ignored because the overlay is not mounted; the device does not reboot',
  'block0-blank': 'the power cut left the first erase block of rootfs_data blank, and old files may return',
  'ram-overlay-forever':
    'rootfs_data cannot be mounted, or not as overlay: every boot runs on RAM, and settings are lost',
  'foreign-data': 'rootfs_data holds something that is no overlay of this board',
  'overlay-wiped': 'the overlay carries no state READY: everything in it was deleted at boot',
  'extroot-missing':
    'fstab asks for an overlay on other storage, which is not there: the boot went on without',
  'extroot-no-program':
    'fstab asks for an overlay on other storage, and /sbin/block (package block-mount) is not there to mount it',
  'extroot-unsupported': 'the storage holds a file system that extroot does not take',
  'extroot-other-root':
    'etc/.extroot-uuid on the storage names another firmware: the boot went on with the overlay on flash',
  'extroot-unchecked':
    'the overlay of another firmware is in use: releases since 24.10 compare only where etc/.extroot-default exists',
  'extroot-fresh':
    'the storage held no overlay: the settings on flash are not copied to it, and hidden while it is there',
  'extroot-kept':
    'the reset touches the flash only: what is on the storage stays, for any fstab that names it',
  'boot-loop': 'the device boots again and again, and never comes up',
  'boot-hangs':
    'a script of preinit never ends: init goes on feeding the watchdog, and nothing restarts the device',
  'boot-step-failed': 'a step of the boot failed, and the boot went on without it',
  'header-rewritten':
    "the block with the boot loader's header is erased and written anew: cut in between, the device does not start",
  'image-cut': 'the image is larger than the partition: what does not fit was not written',
  'config-not-carried': 'the image has no end marker at an erase block: the settings were silently dropped',
  'config-cut': 'the settings do not fit behind the image: the archive was silently cut',
  'config-unreadable': 'the carried archive cannot be unpacked: nothing of it was restored',
  'trailer-in-flash': 'the metadata trailer was written to flash behind the image',
  'old-overlay-visible': 'files of the old overlay came back under the new image',
  'restore-twice':
    'an archive that a finished boot left was unpacked once more, over files that may have changed since',
  'accounts-not-merged':
    'accounts that are new in this image were lost to the restored passwd, group or shadow',
  'stale-blocks-behind': 'blocks behind the image were neither erased nor written and keep their old content',
  'no-backup-on-ram': 'the root is a RAM overlay: settings cannot be saved, the upgrade goes on without them',
} as const satisfies Record<string, string>;

/** Code of a finding. */
export type FindingCode = keyof typeof findingTexts;

/** One occurrence of a known flaw. */
export interface Finding {
  readonly code: FindingCode;
  /** Where: a path, an offset, a phase. */
  readonly where: string;
}

/** Collects findings, each place once. */
export class FindingLog {
  readonly #seen = new Map<string, Finding>();

  add(code: FindingCode, where: string): void {
    const key = `${code}\0${where}`;
    if (!this.#seen.has(key)) this.#seen.set(key, { code, where });
  }

  /** Notes what a reset left behind, with the reason that its name shows; what else survived failed by itself. */
  noteSurvivors(paths: readonly ByteString[]): void {
    for (const path of paths) {
      if (path.endsWith('/sysupgrade.tgz')) this.add('sysupgrade-tgz-kept', path);
      else if (path.includes('/.')) this.add('hidden-files-survive', path);
    }
  }

  list(): readonly Finding[] {
    return [...this.#seen.values()];
  }
}
