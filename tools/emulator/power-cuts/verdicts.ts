/** What the judges of cut flows have in common. */
import { bootToFlash } from '../boot/boot.js';
import { fixesHeader } from '../boot/fix-header.js';
import type { Device } from '../device/device.js';
import type { TreeDigest } from '../tree-digest.js';
import { recoveryFlash } from '../upgrade/sysupgrade.js';
import { violation, type Verdict } from './flow.js';

/**
 * A device that does not start must come back clean when the boot loader flashes it again.
 *
 * @param reason  why it does not start
 */
export function judgeRecovery(device: Device, image: Uint8Array, reason: string): Verdict {
  recoveryFlash(device, image);
  const system = bootToFlash(device);
  return typeof system === 'string'
    ? violation(`${reason}; recovery flashing does not help: ${system}`)
    : { outcome: 'recovery', reason };
}

/**
 * Judges a device whose boot loader refuses it while a boot may rewrite the header; undefined where it does not refuse, or no boot
 * rewrites it.
 */
export function judgeHeader(device: Device, image: Uint8Array): Verdict | undefined {
  const { refusal } = device.bootContent();
  if (refusal === undefined || !fixesHeader(device.profile)) return undefined;
  return judgeRecovery(device, image, refusal);
}

/** Every path of `part` stands in `whole` as it is, or is one the boot itself makes. */
export function isPartOf(part: TreeDigest, whole: TreeDigest): boolean {
  for (const [path, line] of part) {
    const other = whole.get(path);
    if (other !== undefined && other !== line) return false;
    if (other === undefined && !path.startsWith('/etc/uci-defaults')) return false;
  }
  return true;
}
