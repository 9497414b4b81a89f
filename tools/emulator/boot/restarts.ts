/**
 * A device that restarts by itself: after a kernel panic, or when nothing feeds its watchdog any more.
 *
 * init opens /dev/watchdog before anything else, with a timeout of 30 s, and feeds it every 5 s for as long as it lives: while
 * preinit runs, and, handed over to `upgraded`, while the image is written. A script that never ends is therefore no hang;
 * a system that stops as a whole is. A panic restarts the device by itself (CONFIG_PANIC_TIMEOUT of the kernels).
 *
 * The power stays on: the chip ends what it was told. A lock-up falls between two pages of a program, and an erase that has
 * begun ends long before the watchdog strikes. No byte is torn, which is what differs from a power cut.
 *
 * @see openwrt procd watchdog.c, initd/init.c, upgraded/upgraded.c; openwrt target/linux/generic/config-6.6
 */
import type { FlashOperation, FlashTiming, PowerCutPlan } from '../../flash/index.js';
import { planAt } from '../device/cut-recording.js';
import type { Device } from '../device/device.js';
import { boot, type BootOptions, type BootResult } from './boot.js';

/** Boots that end alike before the device is said to boot again and again. */
const LOOP_AFTER = 3;
/** Boots after which it is said in any case, although the flash changes. */
const LOOP_LIMIT = 20;

/**
 * Turns the device on and follows it through the restarts that it makes itself.
 *
 * A boot that changes nothing on the flash and fails is made three times; the finding `boot-loop` tells the cause.
 *
 * @throws PowerCut when the chip's power-cut plan strikes
 */
export function start(device: Device, options: BootOptions = {}): BootResult {
  for (let boots = 1, alike = 1; ; boots += 1) {
    const before = device.chip.snapshot();
    const result = boot(device, options);
    if (result.kind === 'running' || !restartsAfter(device, result)) return result;
    alike = device.chip.changedSince(before).length === 0 ? alike + 1 : 1;
    if (alike <= LOOP_AFTER && boots < LOOP_LIMIT) continue;
    device.findings.add('boot-loop', `${result.stage}: ${result.reason}`);
    device.timeline.log('boot', `boots again and again: ${result.reason}`);
    return result;
  }
}

/** Lets the device restart as it does after such a boot; false when it stays where it is. */
function restartsAfter(device: Device, { stage, hangs }: Extract<BootResult, { kind: 'no-boot' }>): boolean {
  switch (stage) {
    case 'boot-loader':
      return false;
    case 'preinit':
      if (hangs === 'kernel') device.restart('watchdog');
      else device.findings.add('boot-hangs', 'preinit');
      return hangs === 'kernel';
    case 'kernel':
    case 'rootfs':
      device.restart('panic');
      return true;
  }
}

/** The whole system stops, now: what is in RAM is lost, and the watchdog restarts the device. @throws PowerCut */
export function hangNow(device: Device): BootResult {
  device.timeline.log('system', 'hangs');
  device.hangs = false;
  device.restart('watchdog');
  return start(device);
}

/** Plans that the system stops at flash operation `count` (from 1) of what runs next; `hangNow` goes on from the PowerCut. */
export function planHangAt(device: Device, count: number): void {
  planAt(device.chip, count, (operation) => {
    device.hangs = true;
    return wholePages(operation, device.chip.timing);
  });
}

/** How far the operation gets: an erase to its end, a program over the pages that make its first half. */
function wholePages(operation: FlashOperation, { programUnit }: FlashTiming): PowerCutPlan {
  if (operation.kind === 'erase') return { kind: 'after', operation: 0 };
  const { offset, data } = operation;
  const middle = offset + Math.floor(data.length / 2);
  const pageEnd = Math.ceil(middle / programUnit) * programUnit;
  return { kind: 'bytes', operation: 0, bytes: Math.min(data.length, pageEnd - offset) };
}
