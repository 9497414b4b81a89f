/**
 * The flows that are cut, each run once, and what the boot after a cut must end in: the old state, the new one, or a clean
 * one.
 *
 * The real upgrade has windows in which it cannot keep that promise (openwrt-flows, power-cut table): the boot loader
 * refuses a half-written kernel and waits for recovery, or an old overlay shows under the new root. These are counted
 * as classes of their own; anything else is a violation.
 */
import { FsError } from '../../vfs/index.js';
import { boot, bootToFlash } from '../boot/boot.js';
import type { Device } from '../device/device.js';
import type { RunningSystem } from '../device/system.js';
import { violation, type Flow, type Verdict } from '../power-cuts/flow.js';
import { recordOperations, type Recording } from '../device/cut-recording.js';
import { isPartOf, judgeHeader, judgeRecovery } from '../power-cuts/verdicts.js';
import { factoryReset } from '../reset/factory-reset.js';
import { digestDifferences, upperDigest, upperFilesDigest, type TreeDigest } from '../tree-digest.js';
import { sysupgrade } from '../upgrade/sysupgrade.js';
import { settingsDigest, writeSettings } from './proofs.js';
import type { CheckSubject } from './subject.js';

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
  const recording = recordOperations(device.chip, () => {
    const result = boot(device);
    if (result.kind === 'running') result.system.shutdown();
  });
  return flowOf(subject, 'first-boot', device, recording, (cut) => judgeClean(subject, cut));
}

function resetFlow(subject: CheckSubject, phase: 'reset' | 'reset-failsafe'): Flow {
  const device = subject.freshDevice();
  const system = bootToFlash(device);
  if (typeof system === 'string')
    return flowOf(subject, phase, device, { count: 0, kept: new Map() }, () => violation(system));
  writeSettings(system);
  const old = upperDigest(system);
  if (phase === 'reset-failsafe') {
    system.shutdown();
    const failsafe = boot(device, { failsafe: true });
    const recording = recordOperations(device.chip, () => {
      if (failsafe.kind === 'running') factoryReset(failsafe.system, {});
      bootToFlash(device);
    });
    return flowOf(subject, phase, device, recording, (cut) => judgeOldOrClean(subject, cut, old, true));
  }
  const recording = recordOperations(device.chip, () => {
    factoryReset(system, {});
    system.shutdown();
    bootToFlash(device);
  });
  return flowOf(subject, phase, device, recording, (cut) => judgeOldOrClean(subject, cut, old, false));
}

function upgradeFlows(subject: CheckSubject, image: Uint8Array): readonly Flow[] {
  const device = subject.freshDevice();
  const system = bootToFlash(device);
  if (typeof system === 'string') return [];
  writeSettings(system);
  const old = upperDigest(system);
  const oldFiles = upperFilesDigest(system);
  const kept = settingsDigest(system);
  const written = recordOperations(device.chip, () => sysupgrade(system, image, { force: true }));
  const afterWrite = device.chip.fork();
  const booted = recordOperations(device.chip, () => {
    const result = boot(device);
    if (result.kind === 'running') result.system.shutdown();
  });
  return [
    flowOf(subject, 'upgrade', { chip: afterWrite }, written, (cut) =>
      judgeUpgrade(subject, cut, image, { old, oldFiles, kept }),
    ),
    flowOf(subject, 'upgrade-boot', device, booted, (cut) => judgeNew(subject, cut, image, kept)),
  ];
}

/** The flow that `device` went through; after a cut, nothing of the device but its chip has a past. */
function flowOf(
  subject: CheckSubject,
  phase: string,
  { chip }: Pick<Device, 'chip'>,
  recording: Recording,
  judge: Flow['judge'],
): Flow {
  return { phase, chip, recording, deviceOn: (cut) => subject.deviceOn(cut), judge };
}

function judgeClean(subject: CheckSubject, device: Device): Verdict {
  const header = judgeHeader(device, subject.firmware);
  if (header) return header;
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

function judgeNew(subject: CheckSubject, device: Device, image: Uint8Array, kept: TreeDigest): Verdict {
  const header = judgeHeader(device, image);
  if (header) return header;
  const system = bootToFlash(device);
  if (typeof system === 'string') return violation(system);
  const [fromNew] = digestDifferences(kept, settingsDigest(system));
  if (fromNew === undefined) return { outcome: 'new', reason: '' };
  const [fromClean] = digestDifferences(subject.freshUpper(), upperDigest(system));
  return fromClean === undefined ? { outcome: 'clean', reason: '' } : violation(fromNew);
}

/** The writable layer before an upgrade, also as it shows under another root, and what of it the upgrade keeps. */
interface BeforeUpgrade {
  readonly old: TreeDigest;
  readonly oldFiles: TreeDigest;
  readonly kept: TreeDigest;
}

function judgeUpgrade(
  subject: CheckSubject,
  device: Device,
  image: Uint8Array,
  before: BeforeUpgrade,
): Verdict {
  const result = boot(device);
  if (result.kind === 'no-boot') return judgeRecovery(device, image, result.reason);
  try {
    device.bootContent().visitRom();
    return judgeUpgraded(subject, result.system, before);
  } catch (error) {
    // The root is only partly written: it comes up, and fails where a program reads on.
    if (error instanceof FsError && error.code === 'EIO') return judgeRecovery(device, image, error.message);
    throw error;
  }
}

function judgeUpgraded(
  subject: CheckSubject,
  system: RunningSystem,
  { old, oldFiles, kept }: BeforeUpgrade,
): Verdict {
  if (system.mode !== 'jffs2-overlay') return { outcome: 'ram', reason: system.mode };
  const found = upperDigest(system);
  const [fromOld] = digestDifferences(old, found);
  if (fromOld === undefined) return { outcome: 'old', reason: '' };
  const [fromNew] = digestDifferences(kept, settingsDigest(system));
  if (fromNew === undefined) return { outcome: 'new', reason: '' };
  const [fromClean] = digestDifferences(subject.freshUpper(), found);
  if (fromClean === undefined) return { outcome: 'clean', reason: '' };
  if (isPartOf(upperFilesDigest(system), oldFiles)) return { outcome: 'old-overlay', reason: fromClean };
  return violation(fromNew);
}
