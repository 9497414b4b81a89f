/**
 * Factory reset, as the real programs do it, and as it should be.
 *
 * Source: openwrt fstools jffs2reset.c (`factoryreset` since 25.12), base-files sbin/firstboot and
 * etc/rc.button/reset.
 */
import { deleteByResetRules, deleteEverything } from '../overlay/delete-rules.js';
import { writeOverlayState } from '../overlay/fs-state.js';
import { markForFormat, mtdErase } from '../device/mtd.js';
import type { RunningSystem } from '../device/system.js';

/** How the reset is asked for. */
export interface ResetOptions {
  /** The command, the button held for five seconds, or `mtd erase rootfs_data`. */
  readonly via?: 'command' | 'button' | 'mtd-erase';
  /** -r */
  readonly reboot?: boolean;
  /** -k */
  readonly keepSettings?: boolean;
  /** Delete everything, hidden names too: what the user means. */
  readonly thorough?: boolean;
}

/** What the reset did. */
export interface ResetReport {
  readonly path: 'deleted' | 'marked' | 'erased' | 'nothing';
  /** The device reboots by itself now. */
  readonly reboots: boolean;
}

/** Runs the reset on the running system. @throws PowerCut */
export function factoryReset(system: RunningSystem, options: ResetOptions = {}): ResetReport {
  const via = options.via ?? 'command';
  const { device, volume } = system;
  const program = via === 'mtd-erase' ? 'mtd' : device.branch.resetProgram;
  device.timeline.log('reset', `factory reset by ${via} (${program})`);
  if (!volume) return { path: 'nothing', reboots: false };

  if (via === 'mtd-erase') {
    mtdErase(volume);
    return { path: 'erased', reboots: false };
  }
  if (system.extroot) device.findings.add('extroot-kept', system.extroot.storage.options.device);
  // The button asks whether anything is mounted on /overlay.
  if (via === 'button' && !system.jffs2 && system.extroot?.target !== '/overlay') {
    device.findings.add('button-needs-overlay', system.mode);
    return { path: 'nothing', reboots: false };
  }
  if (!system.jffs2) {
    markForFormat(volume);
    if (options.reboot) device.findings.add('reset-r-ignored', system.mode);
    return { path: 'marked', reboots: via === 'button' };
  }
  deleteOverlay(system, options);
  if (via === 'button' || options.reboot) {
    system.jffs2.sync();
    device.timeline.wait(2000);
  }
  return { path: 'deleted', reboots: via === 'button' || options.reboot === true };
}

function deleteOverlay(system: RunningSystem, options: ResetOptions): void {
  const { jffs2, device } = system;
  if (!jffs2) return;
  writeOverlayState(jffs2, jffs2.root, 'pending');
  if (options.thorough) {
    deleteEverything(jffs2, jffs2.root);
    return;
  }
  const { survivors } = deleteByResetRules(jffs2, jffs2.root, options.keepSettings ?? false);
  device.findings.noteSurvivors(survivors);
  device.findings.add('old-data-on-flash', 'rootfs_data');
}
