/**
 * The checks that a device makes before it lets an image near its flash.
 *
 * Source: openwrt base-files lib/upgrade/fwtool.sh (`fwtool_check_image`) and
 * usr/libexec/validate_firmware_image, branches 19.07 to 25.12.
 */
import { parseMetadata } from '../../firmware/index.js';
import type { Branch } from '../branches.js';

/** The device as the checks know it. */
export interface CheckedDevice {
  readonly boardName: string;
  /** `system.@system[0].compat_version` of its configuration. */
  readonly compatVersion: string;
  /** REQUIRE_IMAGE_METADATA of its target. */
  readonly requiresMetadata: boolean;
}

/** What the user asked for. */
export interface CheckOptions {
  readonly keepSettings: boolean;
  readonly ignoreMinorCompat: boolean;
}

/** Why an image is refused. */
export const refusalReasons = [
  'no-metadata',
  'bad-metadata',
  'other-device',
  'compat-major',
  'compat-minor',
  'platform-check',
  'empty-image',
  'damaged-gzip',
  'bad-settings',
] as const;

/** One of the reasons. */
export type RefusalReason = (typeof refusalReasons)[number];

/** Verdict over an image. */
export interface UpgradeVerdict {
  readonly valid: boolean;
  /** With -F the user may flash it all the same. */
  readonly forceable: boolean;
  readonly reasons: readonly { readonly reason: RefusalReason; readonly text: string }[];
}

/**
 * Judges the metadata of an image.
 *
 * @param json  text of the metadata chunk; undefined when the image has none
 */
export function checkMetadata(
  json: string | undefined,
  device: CheckedDevice,
  branch: Branch,
  options: CheckOptions,
): UpgradeVerdict {
  const reasons: { reason: RefusalReason; text: string }[] = [];
  const refuse = (reason: RefusalReason, text: string): void => {
    reasons.push({ reason, text });
  };

  if (json === undefined) {
    if (device.requiresMetadata) refuse('no-metadata', 'image metadata not present');
    return verdict(reasons);
  }
  const metadata = parseMetadata(json);
  if (!metadata) {
    refuse('bad-metadata', 'image metadata is not the JSON that sysupgrade reads');
    return verdict(reasons);
  }

  const imageCompat = (branch.checksCompatVersion ? metadata.compat_version : undefined) ?? '1.0';
  const devices = (imageCompat === '1.0' ? metadata.supported_devices : metadata.new_supported_devices) ?? [];
  if (!devices.includes(device.boardName)) {
    refuse('other-device', `device ${device.boardName} is not among ${devices.join(', ') || 'none'}`);
  }
  if (branch.checksCompatVersion)
    checkCompat(imageCompat, metadata.compat_message, device, branch, options, refuse);
  return verdict(reasons);
}

function checkCompat(
  image: string,
  message: string | undefined,
  device: CheckedDevice,
  branch: Branch,
  options: CheckOptions,
  refuse: (reason: RefusalReason, text: string) => void,
): void {
  const [imageMajor, imageMinor] = image.split('.');
  const [major, minor] = device.compatVersion.split('.');
  const note = message ? `: ${message}` : '';
  if (imageMajor !== major) {
    refuse(
      'compat-major',
      `compat version ${device.compatVersion} of the device, ${image} of the image${note}`,
    );
  } else if (imageMinor !== minor && options.keepSettings) {
    if (branch.ignoresMinorCompat && options.ignoreMinorCompat) return;
    refuse(
      'compat-minor',
      `compat version ${device.compatVersion} of the device, ${image} of the image: settings cannot be kept${note}`,
    );
  }
}

/** Lists the devices that an image is for, old and new names; undefined when its metadata cannot be read. */
export function devicesOfMetadata(json: string): readonly string[] | undefined {
  const metadata = parseMetadata(json);
  return metadata && [...(metadata.new_supported_devices ?? []), ...(metadata.supported_devices ?? [])];
}

function verdict(reasons: UpgradeVerdict['reasons']): UpgradeVerdict {
  return { valid: reasons.length === 0, forceable: true, reasons };
}
