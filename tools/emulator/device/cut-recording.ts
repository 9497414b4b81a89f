/**
 * Power cuts: every flash operation of a flow, whole and torn, as a state of the chip from which a boot must recover.
 *
 * A flow runs once. Before each program and erase the chip's state is kept (copy on write, so it costs references),
 * and the cut state is made by carrying out that one operation only in part on a fork.
 */
import { InternalError } from '../../core/index.js';
import {
  PowerCut,
  type FlashOperation,
  type FlashSnapshot,
  type NorChip,
  type PowerCutPlan,
} from '../../flash/index.js';

/** How far the operation gets during which the power fails. `bits`: a seeded half of the bits that change. */
export const tears = ['before', 'first-byte', 'half', 'last-byte', 'bits', 'after'] as const;

/** One of the tears. */
export type Tear = (typeof tears)[number];

/** One flash operation of a flow, with the chip as it was before it. */
export interface RecordedOperation {
  readonly index: number;
  readonly snapshot: FlashSnapshot;
  readonly operation: FlashOperation;
}

/** The flash operations of a flow that ran once. */
export interface Recording {
  /** Flash operations of the flow. */
  readonly count: number;
  /** Those that were kept, by their number from 0. */
  readonly kept: ReadonlyMap<number, RecordedOperation>;
}

/**
 * Runs a flow to its end and keeps the chip's state before each of its operations.
 *
 * @param keeps  chooses the operations to keep, and is called before each; default: all. Each costs a copy of the block that
 *   it changes
 */
export function recordOperations(
  chip: NorChip,
  flow: () => void,
  keeps: (index: number) => boolean = () => true,
): Recording {
  const kept = new Map<number, RecordedOperation>();
  let count = 0;
  const outer = chip.observer;
  chip.observer = (operation) => {
    outer?.(operation);
    const index = count;
    count += 1;
    if (!keeps(index)) return;
    kept.set(index, {
      index,
      snapshot: chip.snapshot(),
      operation:
        operation.kind === 'program' ? { ...operation, data: new Uint8Array(operation.data) } : operation,
    });
  };
  try {
    flow();
  } finally {
    chip.observer = outer;
  }
  return { count, kept };
}

/** Makes the chip as it is after the cut: a fork with the power back on. */
export function chipAfterCut(chip: NorChip, recorded: RecordedOperation, tear: Tear): NorChip {
  const fork = chip.fork(recorded.snapshot);
  const { operation } = recorded;
  fork.planPowerCut(cutPlan(operation, tear, recorded.index));
  try {
    if (operation.kind === 'program') fork.program(operation.offset, operation.data);
    else fork.erase(operation.offset);
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
    fork.powerOn();
    return fork;
  }
  throw new InternalError(`the power cut at operation ${recorded.index} did not strike`);
}

/** Plans a cut inside the operation that comes next. */
export function cutPlan(operation: FlashOperation, tear: Tear, seed: number): PowerCutPlan {
  const length = operation.kind === 'program' ? operation.data.length : operation.length;
  switch (tear) {
    case 'before':
      return { kind: 'before', operation: 0 };
    case 'first-byte':
      return { kind: 'bytes', operation: 0, bytes: Math.min(1, length) };
    case 'half':
      return { kind: 'bytes', operation: 0, bytes: Math.floor(length / 2) };
    case 'last-byte':
      return { kind: 'bytes', operation: 0, bytes: Math.max(0, length - 1) };
    case 'bits':
      return { kind: 'bits', operation: 0, seed };
    case 'after':
      return { kind: 'after', operation: 0 };
  }
}

/** Plans a cut inside operation `count` (from 1) of what runs next on the chip. */
export function planCutAt(chip: NorChip, count: number, tear: Tear): void {
  planAt(chip, count, (operation) => cutPlan(operation, tear, count));
}

/** Plans how operation `count` (from 1) of what runs next on the chip ends, which is told when it comes. */
export function planAt(
  chip: NorChip,
  count: number,
  plan: (operation: FlashOperation) => PowerCutPlan,
): void {
  let seen = 0;
  const outer = chip.observer;
  chip.observer = (operation) => {
    outer?.(operation);
    seen += 1;
    if (seen < count) return;
    chip.observer = outer;
    chip.planPowerCut(plan(operation));
  };
}
