/**
 * The flows that are cut, each run once, and what the boot after a cut must end in: the old state, the new one, or a clean
 * one.
 *
 * The real upgrade has windows in which it cannot keep that promise (openwrt-flows, power-cut table): the boot loader
 * refuses a half-written kernel and waits for recovery, or an old overlay shows under the new root. These are counted
 * as classes of their own; anything else is a violation.
 */
import type { NorChip } from '../../flash/index.js';
import { FsError } from '../../vfs/index.js';
import { boot } from '../boot/boot.js';
import { bootToFlash, settingsDigest, writeSettings } from './proofs.js';
import { upperDigest, type CheckSubject } from './subject.js';
import type { Device } from '../device/device.js';
import { factoryReset } from '../reset/factory-reset.js';
import { recordOperations, type RecordedOperation } from '../device/power-cuts.js';
import { recoveryFlash, sysupgrade } from '../upgrade/sysupgrade.js';
import type { RunningSystem } from '../device/system.js';
import { digestDifferences, type TreeDigest } from '../tree-digest.js';

/** How the boot after a cut ends. */
export const cutOutcomes = ['old', 'new', 'clean', 'recovery', 'old-overlay', 'ram', 'violation'] as const;

/** One of the outcomes. */
export type CutOutcome = (typeof cutOutcomes)[number];

/** Flows that are cut. */
export const cutPhases = ['first-boot', 'reset', 'reset-failsafe', 'upgrade', 'upgrade-boot'] as const;

/** One of the flows. */
export type CutPhase = (typeof cutPhases)[number];

/** What the boot after a cut ends in, and for `recovery` and what is worse the reason. */
export interface Verdict {
  readonly outcome: CutOutcome;
  readonly reason: string;
}

/** A flow that ran once, and how the boot after a cut is judged. */
export interface Flow {
  readonly phase: CutPhase;
  /** Chip and its operations, in the uncut run. */
  readonly chip: NorChip;
  readonly recorded: readonly RecordedOperation[];
  /** Turns the device on; the verdict depends on the content of its chip alone. */
  readonly judge: (device: Device) => Verdict;
}

/** Runs every flow once without a cut. */
export function cutFlows(subject: CheckSubject, image: Uint8Array): readonly Flow[] {
  return [
    firstBootFlow(subject),
    resetFlow(subject, 'reset'),
    resetFlow(subject, 'reset-failsafe'),
    ...upgradeFlows(subject, image),
  ];
}

function firstBootFlow(subject: CheckSubject): Flow {
  const device = subject.newDevice();
  const recorded = recordOperations(device.chip, () => {
    const result = boot(device);
    if (result.kind === 'running') result.system.shutdown();
  });
  return { phase: 'first-boot', chip: device.chip, recorded, judge: (cut) => judgeClean(subject, cut) };
}

function resetFlow(subject: CheckSubject, phase: 'reset' | 'reset-failsafe'): Flow {
  const device = subject.freshDevice();
  const system = bootToFlash(device);
  if (typeof system === 'string')
    return { phase, chip: device.chip, recorded: [], judge: () => violation(system) };
  writeSettings(system);
  const old = upperDigest(system);
  if (phase === 'reset-failsafe') {
    system.shutdown();
    const failsafe = boot(device, { failsafe: true });
    const recorded = recordOperations(device.chip, () => {
      if (failsafe.kind === 'running') factoryReset(failsafe.system, {});
      bootToFlash(device);
    });
    return { phase, chip: device.chip, recorded, judge: (cut) => judgeOldOrClean(subject, cut, old, true) };
  }
  const recorded = recordOperations(device.chip, () => {
    factoryReset(system, {});
    system.shutdown();
    bootToFlash(device);
  });
  return { phase, chip: device.chip, recorded, judge: (cut) => judgeOldOrClean(subject, cut, old, false) };
}

function upgradeFlows(subject: CheckSubject, image: Uint8Array): readonly Flow[] {
  const device = subject.freshDevice();
  const system = bootToFlash(device);
  if (typeof system === 'string') return [];
  writeSettings(system);
  const old = upperDigest(system);
  const kept = settingsDigest(system);
  const written = recordOperations(device.chip, () => sysupgrade(system, image, { force: true }));
  const afterWrite = device.chip.fork();
  const booted = recordOperations(device.chip, () => {
    const result = boot(device);
    if (result.kind === 'running') result.system.shutdown();
  });
  return [
    {
      phase: 'upgrade',
      chip: afterWrite,
      recorded: written,
      judge: (cut) => judgeUpgrade(subject, cut, image, old, kept),
    },
    {
      phase: 'upgrade-boot',
      chip: device.chip,
      recorded: booted,
      judge: (cut) => judgeNew(subject, cut, kept),
    },
  ];
}

function violation(reason: string): Verdict {
  return { outcome: 'violation', reason };
}

function judgeClean(subject: CheckSubject, device: Device): Verdict {
  const system = bootToFlash(device);
  if (typeof system === 'string') return violation(system);
  const [difference] = digestDifferences(subject.freshUpper(), upperDigest(system));
  return difference === undefined ? { outcome: 'clean', reason: '' } : violation(difference);
}

/** @param marked  the reset marked the volume, which rewrites its first block */
function judgeOldOrClean(subject: CheckSubject, device: Device, old: TreeDigest, marked: boolean): Verdict {
  const result = boot(device);
  if (result.kind === 'no-boot') return violation(`${result.stage}: ${result.reason}`);
  if (result.system.mode !== 'jffs2-overlay') return { outcome: 'ram', reason: result.system.mode };
  const found = upperDigest(result.system);
  const [fromOld] = digestDifferences(old, found);
  if (fromOld === undefined) return { outcome: 'old', reason: '' };
  const [fromClean] = digestDifferences(subject.freshUpper(), found);
  if (fromClean === undefined) return { outcome: 'clean', reason: '' };
  // A blank first block makes mount_root take the volume for new: old files show without the wipe (a known flaw).
  if (marked && isPartOf(found, old)) return { outcome: 'old-overlay', reason: fromClean };
  return violation(fromClean);
}

function judgeNew(subject: CheckSubject, device: Device, kept: TreeDigest): Verdict {
  const system = bootToFlash(device);
  if (typeof system === 'string') return violation(system);
  const [fromNew] = digestDifferences(kept, settingsDigest(system));
  if (fromNew === undefined) return { outcome: 'new', reason: '' };
  const [fromClean] = digestDifferences(subject.freshUpper(), upperDigest(system));
  return fromClean === undefined ? { outcome: 'clean', reason: '' } : violation(fromNew);
}

function judgeUpgrade(
  subject: CheckSubject,
  device: Device,
  image: Uint8Array,
  old: TreeDigest,
  kept: TreeDigest,
): Verdict {
  const result = boot(device);
  if (result.kind === 'no-boot') return judgeRecovery(device, image, result.reason);
  try {
    device.bootContent().visitRom();
    return judgeUpgraded(subject, result.system, old, kept);
  } catch (error) {
    // The root is only partly written: it comes up, and fails where a program reads on.
    if (error instanceof FsError && error.code === 'EIO') return judgeRecovery(device, image, error.message);
    throw error;
  }
}

function judgeUpgraded(
  subject: CheckSubject,
  system: RunningSystem,
  old: TreeDigest,
  kept: TreeDigest,
): Verdict {
  if (system.mode !== 'jffs2-overlay') return { outcome: 'ram', reason: system.mode };
  const found = upperDigest(system);
  const [fromOld] = digestDifferences(old, found);
  if (fromOld === undefined) return { outcome: 'old', reason: '' };
  const [fromNew] = digestDifferences(kept, settingsDigest(system));
  if (fromNew === undefined) return { outcome: 'new', reason: '' };
  const [fromClean] = digestDifferences(subject.freshUpper(), found);
  if (fromClean === undefined) return { outcome: 'clean', reason: '' };
  if (isPartOf(found, old)) return { outcome: 'old-overlay', reason: fromClean };
  return violation(fromNew);
}

/** A device that does not start must come back clean when the boot loader flashes it again. */
function judgeRecovery(device: Device, image: Uint8Array, reason: string): Verdict {
  recoveryFlash(device, image);
  const system = bootToFlash(device);
  return typeof system === 'string'
    ? violation(`${reason}; recovery flashing does not help: ${system}`)
    : { outcome: 'recovery', reason };
}

/** Every path of `part` stands in `whole` as it is, or is one the boot itself makes. */
function isPartOf(part: TreeDigest, whole: TreeDigest): boolean {
  for (const [path, line] of part) {
    const other = whole.get(path);
    if (other !== undefined && other !== line) return false;
    if (other === undefined && !path.startsWith('/etc/uci-defaults')) return false;
  }
  return true;
}
