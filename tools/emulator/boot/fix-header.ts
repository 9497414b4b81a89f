/**
 * The first boot shrinks the sum of the boot loader's header to the kernel, for what lies behind is written from now on.
 *
 * The real device does it in a run-once script (09_fix-checksum, 09_fix_crc) whose result does not change when it runs again;
 * here every boot looks, whether the script is in the image or not. The block with the header is erased and programmed: a
 * power cut in between leaves nothing that a boot loader starts.
 *
 * @see openwrt package/system/mtd (fixtrx, fixseama, fixwrgg); base-files of bcm47xx, bcm53xx, ath79, ramips
 */
import type { BoardProfile } from '../../boards/index.js';
import { fixHeader } from '../../firmware/index.js';
import type { Device } from '../device/device.js';
import type { RunningSystem } from '../device/system.js';
import { blockDeviceWrite } from '../device/mtd.js';

/** On bcm47xx `mtd fixtrx` gets no size: the TRX, its header included, becomes one erase block long. */
const wholeBlockTargets = /^bcm47xx\//;
const trxHeaderSize = 28;

/** Headers with a sum over what stands behind them. */
const parsersWithSum: ReadonlySet<BoardProfile['split']['parser']> = new Set<BoardProfile['split']['parser']>(
  ['seama', 'trx', 'mainline-trx', 'wrgg'],
);

/** Tells whether boots of the board may rewrite the boot loader's header. */
export function fixesHeader({ split }: BoardProfile): boolean {
  return parsersWithSum.has(split.parser);
}

/** Shrinks the sum, where the board has one and it covers more than the kernel. */
export function fixHeaderOfKernel({ device, split }: RunningSystem): void {
  const { kernel } = split;
  const { target, flash } = device.profile;
  if (!kernel || !fixesHeader(device.profile)) return;
  const dataSize = wholeBlockTargets.test(target) ? flash.eraseSize - trxHeaderSize : kernel.size;
  rewrite(device, kernel.offset + kernel.size + flash.eraseSize, dataSize);
}

/** Makes the sum right again after settings were put into what it covers. */
export function fixHeaderOfImage(device: Device): void {
  if (fixesHeader(device.profile)) rewrite(device, device.firmware().geometry.size, undefined);
}

function rewrite(device: Device, size: number, dataSize: number | undefined): void {
  const firmware = device.firmware();
  const bytes = firmware.read(0, Math.min(size, firmware.geometry.size));
  const header = fixHeader(bytes, device.profile, dataSize);
  if (!header) return;
  blockDeviceWrite(firmware, header);
  device.findings.add('header-rewritten', 'firmware');
  device.timeline.log('boot', 'header of the boot loader rewritten');
}
