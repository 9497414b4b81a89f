/** Makes the images of one board in memory: the finished kernel, the artefacts of its recipes, and the whole chip. */
import { findPartition, stepBoard } from '../boards/index.js';
import type { BoardProfile } from '../boards/index.js';
import { BudgetError, FirmwrightError, groupDigits, InternalError, roundUp } from '../core/index.js';
import {
  finishKernel,
  kernelOfImage,
  refuseForeignKernel,
  refuseImageOfOtherBoard,
  runStep,
} from '../firmware/index.js';
import type { RecipeStep, StepContext, StepVersion } from '../firmware/index.js';
import type { BoardPlan } from './plan.js';

/** Everything that a board's images are made from. */
export interface BoardInput {
  readonly plan: BoardPlan;
  readonly profile: BoardProfile;
  readonly version: StepVersion;
  readonly sourceDateEpoch: number;
  readonly kernel: Uint8Array;
  readonly deviceTree: Uint8Array | undefined;
  /** Files of steps that take one besides, by the name of the step. */
  readonly stepFiles: ReadonlyMap<string, Uint8Array>;
  readonly rootfs: Uint8Array;
  /** Contents of partitions that come from files, by label. */
  readonly partitions: ReadonlyMap<string, Uint8Array>;
  /** Text of a usign secret key. */
  readonly signingKey: string | undefined;
  readonly warn: (message: string) => void;
}

/** A limit that an image breaks; the image is made all the same, so that the budget can be counted over it. */
export interface Oversize {
  /** Artefact, `kernel`, or the label of a partition. */
  readonly what: string;
  readonly limit: number;
  readonly use: number;
  readonly overBy: number;
}

/** The images of a board. */
export interface BoardImages {
  /** By name in the profile. */
  readonly artefacts: ReadonlyMap<string, Uint8Array>;
  /** The finished kernel file. */
  readonly kernelSize: number;
  /** What stands in the partition `firmware`, by the profile's own recipe for it; may be longer than the partition. */
  readonly firmware: Uint8Array;
  /** The whole chip; undefined for boards without one, and when something does not fit. */
  readonly flash: Uint8Array | undefined;
  readonly oversize: readonly Oversize[];
}

/**
 * Makes the images of a board.
 *
 * @throws FormatError FW_FIRMWARE_STEP when a step lacks what it needs
 * @throws BudgetError FW_BUDGET_PARTITION when a file given for another partition is too long
 */
export function makeBoardImages(input: BoardInput): BoardImages {
  const { plan, profile } = input;
  const oversize: Oversize[] = [];
  const context: StepContext = {
    kernel: new Uint8Array(0),
    rootfs: input.rootfs,
    board: stepBoard(profile),
    version: input.version,
    time: input.sourceDateEpoch,
    deviceTree: input.deviceTree,
    stepFiles: input.stepFiles,
    signingKey: input.signingKey,
    warn: input.warn,
  };
  const kernel = atBoard(profile, 'kernel', () => finishedKernel(input, context));
  checkLimit('kernel', kernel.length, profile.kernelSize, oversize);
  const artefacts = new Map<string, Uint8Array>();
  for (const { name, recipe } of profile.artefacts) {
    if (!plan.artefacts.some((planned) => planned.name === name)) continue;
    const image = atBoard(profile, name, () => runArtefact(name, recipe, { ...context, kernel }, oversize));
    if (image) artefacts.set(name, image);
  }
  // The limit of the image is told with its artefact, that of the partition below.
  const steps = profile.firmwareRecipe.filter((step) => step.name !== 'check-size');
  const firmware =
    atBoard(profile, 'firmware', () => runArtefact('firmware layout', steps, { ...context, kernel }, oversize)) ??
    unframed(kernel, input.rootfs, profile.flash.eraseSize);
  checkLimit('firmware', firmware.length, findPartition(profile, 'firmware')?.size, oversize);
  const fits = oversize.length === 0;
  return {
    artefacts,
    kernelSize: kernel.length,
    firmware,
    flash: plan.flashImage && fits ? fillFlash(plan.flashImage, firmware, input.partitions) : undefined,
    oversize,
  };
}

/** Finishes the kernel; that of an image of the board is taken out of it. */
function finishedKernel({ profile, kernel, warn }: BoardInput, context: StepContext): Uint8Array {
  refuseImageOfOtherBoard(kernel, context.board);
  const inside = kernelOfImage(kernel, profile);
  refuseForeignKernel(inside ?? kernel, context.board);
  if (inside === undefined) return finishKernel(profile.kernelRecipe, kernel, context);
  warn(`the kernel is that of the image given: ${groupDigits(inside.length)} of its ${groupDigits(kernel.length)} bytes`);
  return inside;
}

/**
 * Runs a recipe; `check-size` is noted and passed, so that the rest of the image still comes out.
 *
 * @returns undefined when a vendor's layout has no room, so that there is no image to go on with; that is noted too
 */
function runArtefact(
  name: string,
  recipe: readonly RecipeStep[],
  context: StepContext,
  oversize: Oversize[],
): Uint8Array | undefined {
  let file: Uint8Array = new Uint8Array(0);
  for (const step of recipe) {
    try {
      file = runStep(step, file, context);
    } catch (error) {
      const { limit, overBy } = error instanceof BudgetError ? error.data : {};
      if (typeof limit !== 'number' || typeof overBy !== 'number') throw error;
      oversize.push({ what: name, limit, use: limit + overBy, overBy });
      if (step.name !== 'check-size') return undefined;
    }
  }
  return file;
}

/** Kernel and root file system as they would stand in the flash, for the budget of a board whose format has no room. */
function unframed(kernel: Uint8Array, rootfs: Uint8Array, eraseSize: number): Uint8Array {
  const start = roundUp(kernel.length, eraseSize);
  const bytes = new Uint8Array(start + rootfs.length).fill(0xff);
  bytes.set(kernel);
  bytes.set(rootfs, start);
  return bytes;
}

function checkLimit(what: string, use: number, limit: number | undefined, oversize: Oversize[]): void {
  if (limit !== undefined && use > limit) oversize.push({ what, limit, use, overBy: use - limit });
}

/** Adds the board and the artefact to what a step says. */
function atBoard<T>(profile: BoardProfile, what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof FirmwrightError)) throw error;
    error.message = `board ${profile.id}, ${what}: ${error.message}`;
    throw error;
  }
}

function fillFlash(
  plan: NonNullable<BoardPlan['flashImage']>,
  firmware: Uint8Array,
  partitions: ReadonlyMap<string, Uint8Array>,
): Uint8Array {
  const flash = new Uint8Array(plan.size).fill(0xff);
  for (const part of plan.parts) {
    if (part.content === 'erased') continue;
    const bytes = part.content === 'firmware' ? firmware : partitions.get(part.label);
    if (!bytes) throw new InternalError(`no content was read for partition ${part.label}`);
    if (bytes.length > part.size) {
      throw new BudgetError(
        'FW_BUDGET_PARTITION',
        `the file for partition ${part.label} does not fit: ${groupDigits(bytes.length)} of ${groupDigits(part.size)} bytes`,
        { data: { partition: part.label, limit: part.size, use: bytes.length, overBy: bytes.length - part.size } },
      );
    }
    flash.set(bytes, part.offset);
  }
  return flash;
}
