/** A flow that ran once, cut anywhere: what a sweep needs to know of it, and how a boot after a cut may end. */
import type { NorChip } from '../../flash/index.js';
import type { Device } from '../device/device.js';
import { chipAfterCut, type Recording, type Tear } from '../device/cut-recording.js';

/**
 * How the boot after a cut ends: in the state before the flow, in that after it, in the midst of what a user was doing, in
 * that of a first boot, only after the boot loader flashed the device anew, with old files under a new root, or on RAM.
 */
export const cutOutcomes = [
  'old',
  'new',
  'between',
  'clean',
  'recovery',
  'old-overlay',
  'ram',
  'violation',
] as const;

/** One of the outcomes. */
export type CutOutcome = (typeof cutOutcomes)[number];

/** What the boot after a cut ends in, and for `recovery` and what is worse the reason. */
export interface Verdict {
  readonly outcome: CutOutcome;
  readonly reason: string;
}

/** A verdict against the device. */
export function violation(reason: string): Verdict {
  return { outcome: 'violation', reason };
}

/** A flow that ran once, and how the boot after a cut is judged. */
export interface Flow {
  /** Names it in the ids of its cuts: lower-case letters, digits, hyphens. */
  readonly phase: string;
  /** Chip and its operations, in the uncut run. */
  readonly chip: NorChip;
  readonly recording: Recording;
  /** The device, off, on what a cut at this operation of the flow left, or a cut during the recovery from it. */
  readonly deviceOn: (chip: NorChip, operation: number) => Device;
  /** Names what the verdict depends on besides the content of the chip; default: nothing. */
  readonly besides?: (operation: number) => string;
  /** Turns the device on. */
  readonly judge: (device: Device) => Verdict;
}

/** Makes the chip as a cut left it; undefined when the operation is none that the flow kept. */
export function chipAfter({ chip, recording }: Flow, operation: number, tear: Tear): NorChip | undefined {
  const recorded = recording.kept.get(operation);
  return recorded && chipAfterCut(chip, recorded, tear);
}
