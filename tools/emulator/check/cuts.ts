/**
 * The power-cut proof: after a cut at any flash operation of first boot, reset or upgrade, the next boot ends in the
 * old state, the new one, or a clean one.
 *
 * The real upgrade has windows in which it cannot keep that promise (openwrt-flows, power-cut table): the boot loader
 * refuses a half-written kernel and waits for recovery, or an old overlay shows under the new root. These are counted
 * as classes of their own; anything else is a violation.
 */
import type { NorChip } from '../../flash/index.js';
import { FsError } from '../../vfs/index.js';
import { boot } from '../boot/boot.js';
import { bootToFlash, settingsDigest, upperDigest, writeSettings } from './proofs.js';
import type { CheckSubject } from './subject.js';
import type { Device } from '../device/device.js';
import { factoryReset } from '../reset/factory-reset.js';
import {
  chipAfterCut,
  chooseCuts,
  formatCutPoint,
  recordOperations,
  type CutPoint,
  type RecordedOperation,
} from './power-cuts.js';
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

/** Outcomes of one phase. */
export interface CutTable {
  readonly phase: CutPhase;
  /** Flash operations of the uncut flow. */
  readonly operations: number;
  readonly cuts: number;
  readonly outcomes: Readonly<Record<CutOutcome, number>>;
  /** Replay id and reason of each violation. */
  readonly violations: readonly { readonly replay: string; readonly reason: string }[];
}

/** What a sweep is asked for. */
export interface CutSweepOptions {
  readonly mode: 'sample' | 'all';
  readonly sampleSize?: number;
  /** Only every `shares`th cut of each phase, from `share`. */
  readonly share?: number;
  readonly shares?: number;
  /** Only this cut. */
  readonly replay?: CutPoint;
  /** Called after each cut and awaited: the place to show progress, and to throw when the user cancels. */
  readonly onCut?: (done: number, total: number, phase: CutPhase) => Promise<void>;
  readonly upgrade?: Uint8Array;
}

/** A flow that ran once, and how the boot after a cut is judged. */
export interface Flow {
  readonly phase: CutPhase;
  /** Chip and its operations, in the uncut run. */
  readonly chip: NorChip;
  readonly recorded: readonly RecordedOperation[];
  readonly judge: (device: Device) => { readonly outcome: CutOutcome; readonly reason: string };
}

/** Cuts the power in every phase and tells how each boot after it ends. */
export async function sweepCuts(
  subject: CheckSubject,
  image: Uint8Array,
  options: CutSweepOptions,
): Promise<readonly CutTable[]> {
  return sweepFlows(subject, cutFlows(subject, options.upgrade ?? image), options);
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

/** Cuts flows that ran before. */
export async function sweepFlows(
  subject: CheckSubject,
  flows: readonly Flow[],
  options: CutSweepOptions,
): Promise<readonly CutTable[]> {
  const { replay } = options;
  const tables: CutTable[] = [];
  for (const flow of flows) {
    if (replay === undefined || replay.phase === flow.phase)
      tables.push(await sweepFlow(subject, flow, options));
  }
  return tables;
}

/** Adds up the tables that shares of one sweep gave. */
export function mergeTables(shares: readonly (readonly CutTable[])[]): readonly CutTable[] {
  const [first = [], ...others] = shares;
  return first.map((table, index) => {
    const outcomes = { ...table.outcomes };
    const violations = [...table.violations];
    let { cuts } = table;
    for (const share of others) {
      const other = share[index];
      if (!other) continue;
      cuts += other.cuts;
      violations.push(...other.violations);
      for (const name of cutOutcomes) outcomes[name] += other.outcomes[name];
    }
    return { ...table, cuts, outcomes, violations };
  });
}

async function sweepFlow(subject: CheckSubject, flow: Flow, options: CutSweepOptions): Promise<CutTable> {
  const { replay, share = 0, shares = 1 } = options;
  const chosen = chooseCuts(flow.phase, flow.recorded, replay ? 'all' : options.mode, options.sampleSize)
    .filter(({ cut }) => !replay || (cut.operation === replay.operation && cut.tear === replay.tear))
    .filter((_, index) => index % shares === share);
  const outcomes = Object.fromEntries(cutOutcomes.map((name) => [name, 0])) as Record<CutOutcome, number>;
  const violations: { replay: string; reason: string }[] = [];
  for (const [index, { cut, recorded }] of chosen.entries()) {
    const device = subject.deviceOn(chipAfterCut(flow.chip, recorded, cut.tear));
    const { outcome, reason } = flow.judge(device);
    outcomes[outcome] += 1;
    if (outcome === 'violation') violations.push({ replay: formatCutPoint(cut), reason });
    await options.onCut?.(index + 1, chosen.length, flow.phase);
  }
  return { phase: flow.phase, operations: flow.recorded.length, cuts: chosen.length, outcomes, violations };
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
    return { phase, chip: device.chip, recorded, judge: (cut) => judgeOldOrClean(subject, cut, old) };
  }
  const recorded = recordOperations(device.chip, () => {
    factoryReset(system, {});
    system.shutdown();
    bootToFlash(device);
  });
  return { phase, chip: device.chip, recorded, judge: (cut) => judgeOldOrClean(subject, cut, old) };
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

type Verdict = { readonly outcome: CutOutcome; readonly reason: string };

function violation(reason: string): Verdict {
  return { outcome: 'violation', reason };
}

function judgeClean(subject: CheckSubject, device: Device): Verdict {
  const system = bootToFlash(device);
  if (typeof system === 'string') return violation(system);
  const [difference] = digestDifferences(subject.freshUpper(), upperDigest(system));
  return difference === undefined ? { outcome: 'clean', reason: '' } : violation(difference);
}

function judgeOldOrClean(subject: CheckSubject, device: Device, old: TreeDigest): Verdict {
  const result = boot(device);
  if (result.kind === 'no-boot') return violation(`${result.stage}: ${result.reason}`);
  if (result.system.mode !== 'jffs2-overlay') return { outcome: 'ram', reason: result.system.mode };
  const found = upperDigest(result.system);
  const [fromOld] = digestDifferences(old, found);
  if (fromOld === undefined) return { outcome: 'old', reason: '' };
  const [fromClean] = digestDifferences(subject.freshUpper(), found);
  if (fromClean === undefined) return { outcome: 'clean', reason: '' };
  // A blank first block makes mount_root take the volume for new: old files show without the wipe (a known flaw).
  if (isPartOf(found, old)) return { outcome: 'old-overlay', reason: fromClean };
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
