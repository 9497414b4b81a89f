/**
 * How the boot after a power cut in a step of a scenario may end.
 *
 * Measures are the boots that a power failure just before the step and just after it would lead to. A cut in between must end
 * in one of them, or as a first boot does. What a user was doing with files may also be left half done; everything else must
 * then be as it was. The real reset and upgrade have windows of their own (openwrt-flows, power-cut table), which are counted
 * apart, as `check` does.
 */
import { contentKey, FlashPartition } from '../../flash/index.js';
import { boot, type BootResult } from '../boot/boot.js';
import type { Device } from '../device/device.js';
import { partitionHashes } from '../device/partition-hashes.js';
import type { RootMode } from '../device/system.js';
import { violation, type Verdict } from '../power-cuts/flow.js';
import { isPartOf, judgeRecovery } from '../power-cuts/verdicts.js';
import { digestDifferences, upperDigest, upperFilesDigest, type TreeDigest } from '../tree-digest.js';
import type { Expectation } from './expectation-schema.js';
import { checkExpectation } from './expectations.js';
import type { ScenarioStep } from './schema.js';

/** What a boot made of a device. */
export interface BootedState {
  readonly mode: RootMode | 'no-boot';
  /** Writable layer. */
  readonly upper: TreeDigest;
  /** The same under any root, as `upperFilesDigest`. */
  readonly files: () => TreeDigest;
  /** Names the bytes of `firmware` up to rootfs_data. */
  readonly firmware: string;
}

/** A step, and what is to be compared with. */
export interface CutStep {
  readonly kind: ScenarioStep['kind'];
  readonly before: BootedState;
  readonly after: BootedState;
  /** The writable layer of first boots, of the firmware before the step and of that behind it. */
  readonly firstBoots: () => readonly TreeDigest[];
  /** What the boot loader flashes when the step leaves `firmware` in pieces; undefined when it writes none of it. */
  readonly image: Uint8Array | undefined;
  readonly afterCut: Expectation | undefined;
  /** Hash of each partition at the start of the scenario. */
  readonly partitionHashes: ReturnType<typeof partitionHashes>;
}

/** Steps in which a user works with files. */
const userSteps: ReadonlySet<ScenarioStep['kind']> = new Set<ScenarioStep['kind']>([
  'write',
  'append',
  'rm',
  'mv',
  'mkdir',
  'chmod',
  'ln',
  'together',
  'fill',
  'copy-overlay',
]);

/** Steps whose real programs may leave old files or a device on RAM. */
const stepsWithWindows: ReadonlySet<ScenarioStep['kind']> = new Set<ScenarioStep['kind']>([
  'factory-reset',
  'button',
  'sysupgrade',
]);

/** Boots a device, as after a power failure, and looks at it. */
export function bootedState(device: Device): BootedState {
  return stateOf(device, boot(device));
}

/** The writable layer of a first boot of the firmware on this chip; empty when it does not come up. */
export function firstBootUpper(device: Device): TreeDigest {
  const volume = device.rootfsData(device.split());
  device.chip.powerOn();
  if (volume)
    for (let offset = 0; offset < volume.geometry.size; offset += volume.geometry.eraseSize)
      volume.erase(offset);
  return bootedState(device).upper;
}

/** Turns a device on that was cut in a step. */
export function judgeCutStep(step: CutStep, device: Device): Verdict {
  const result = boot(device);
  const found = stateOf(device, result);
  const verdict = judgeState(step, found, device, result);
  if (verdict.outcome === 'violation' || verdict.outcome === 'recovery' || !step.afterCut) return verdict;
  const [problem] = checkExpectation(step.afterCut, {
    device,
    last: result,
    partitionHashes: step.partitionHashes,
  });
  return problem === undefined ? verdict : violation(`afterCut: ${problem}`);
}

function judgeState(step: CutStep, found: BootedState, device: Device, result: BootResult): Verdict {
  const { kind, before, after, image } = step;
  if (result.kind === 'no-boot') {
    if (before.mode === 'no-boot') return { outcome: 'old', reason: result.reason };
    if (after.mode === 'no-boot') return { outcome: 'new', reason: result.reason };
    return image === undefined
      ? violation(`${result.stage}: ${result.reason}`)
      : judgeRecovery(device, image, result.reason);
  }
  if (image !== undefined && found.firmware !== before.firmware && found.firmware !== after.firmware)
    return judgeRecovery(device, image, 'kernel or root are written in part');
  if (isSame(found, before)) return { outcome: 'old', reason: '' };
  if (isSame(found, after)) return { outcome: 'new', reason: '' };
  // Whoever flashes from the boot loader, and is cut off, does it again, whatever the device makes of it.
  if (kind === 'recovery-flash' && image !== undefined)
    return judgeRecovery(device, image, 'flashing from the boot loader was not finished');
  return judgeOther(step, found);
}

/** Judges what is neither the old state nor the new one. */
function judgeOther({ kind, before, after, firstBoots }: CutStep, found: BootedState): Verdict {
  const hasWindows = stepsWithWindows.has(kind);
  if (found.mode !== before.mode && found.mode !== after.mode) {
    if (hasWindows && found.mode === 'ram-overlay') return { outcome: 'ram', reason: found.mode };
    return violation(`runs on ${found.mode}, expected ${after.mode}`);
  }
  if (firstBoots().some((upper) => digestDifferences(upper, found.upper).length === 0))
    return { outcome: 'clean', reason: '' };
  const [difference = ''] = digestDifferences(after.upper, found.upper);
  if (hasWindows && isPartOf(found.files(), before.files()))
    return { outcome: 'old-overlay', reason: difference };
  if (!userSteps.has(kind)) return violation(difference);
  const harmed = harmedPath(before.upper, after.upper, found.upper);
  return harmed === undefined ? { outcome: 'between', reason: difference } : violation(harmed);
}

/** Finds a path that the step leaves alone and the cut did not; its difference in words. */
function harmedPath(before: TreeDigest, after: TreeDigest, found: TreeDigest): string | undefined {
  const untouched = (digest: TreeDigest): TreeDigest =>
    new Map([...digest].filter(([path]) => before.get(path) === after.get(path)));
  return digestDifferences(untouched(before), untouched(found))[0];
}

function isSame(found: BootedState, other: BootedState): boolean {
  return (
    found.mode === other.mode &&
    found.firmware === other.firmware &&
    digestDifferences(other.upper, found.upper).length === 0
  );
}

function stateOf(device: Device, result: BootResult): BootedState {
  const system = result.kind === 'running' ? result.system : undefined;
  let files: TreeDigest | undefined;
  return {
    mode: system?.mode ?? 'no-boot',
    upper: system ? upperDigest(system) : new Map(),
    files: () => (files ??= system ? upperFilesDigest(system) : new Map()),
    firmware: firmwareKey(device),
  };
}

function firmwareKey(device: Device): string {
  const firmware = device.firmware();
  const size = device.split().rootfsData?.offset ?? firmware.geometry.size;
  return contentKey(new FlashPartition(device.chip, { label: 'firmware', offset: firmware.offset, size }));
}
