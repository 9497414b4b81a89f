/**
 * A FIT that is too small for the kernel's splitter.
 *
 * Since 22.03 a FIT may hold the root as external data. The splitter knows that form by the size of the FIT itself: up to a
 * threshold, which differs between releases, it looks for no root behind it.
 *
 * @see openwrt target/linux/generic/files/drivers/mtd/mtdsplit/mtdsplit_fit.c, branches 22.03 to 25.12
 */
import { wordBe, type FirmwareSplit } from '../../firmware/index.js';
import type { Device } from '../device/device.js';

/** Tells why the kernel of the device's release finds no root behind its FIT; undefined when it does. */
export function fitTakenForRoot(device: Device, { kernel }: FirmwareSplit): string | undefined {
  const { fitSplitThreshold } = device.branch;
  if (device.profile.split.parser !== 'fit' || !kernel || fitSplitThreshold === undefined) return undefined;
  const size = wordBe(device.firmware().read(kernel.offset, 8), 4) ?? 0;
  if (size > fitSplitThreshold) return undefined;
  return `no rootfs: release ${device.branch.name} takes a FIT of ${size} bytes for one with its root inside`;
}
