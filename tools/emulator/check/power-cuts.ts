/**
 * Power cuts: every flash operation of a flow, whole and torn, as a state of the chip from which a boot must recover.
 *
 * A flow runs once. Before each program and erase the chip's state is kept (copy on write, so it costs references),
 * and the cut state is made by carrying out that one operation only in part on a fork.
 */
import { crc32, FormatError, InternalError, seededRandom } from '../../core/index.js';
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

/** A power cut, as it is named in reports: `upgrade:117:half`; `upgrade:117:half/34:after` with a second one. */
export interface CutPoint {
  readonly phase: string;
  readonly operation: number;
  readonly tear: Tear;
  /** The power fails again, at an operation of the recovery from the first cut. */
  readonly again?: SecondCut;
}

/** A power cut during recovery; operations count from the moment the power comes back. */
export type SecondCut = Pick<CutPoint, 'operation' | 'tear'>;

/** Runs a flow to its end and keeps the chip's state before each of its operations. */
export function recordOperations(chip: NorChip, flow: () => void): readonly RecordedOperation[] {
  const recorded: RecordedOperation[] = [];
  const outer = chip.observer;
  chip.observer = (operation) => {
    outer?.(operation);
    recorded.push({
      index: recorded.length,
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
  return recorded;
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

/** Writes the name of a cut. */
export function formatCutPoint({ phase, operation, tear, again }: CutPoint): string {
  const first = `${phase}:${operation}:${tear}`;
  return again ? `${first}/${again.operation}:${again.tear}` : first;
}

/**
 * Reads the name of a cut.
 *
 * @throws FormatError FW_EMULATOR_REPLAY
 */
export function parseCutPoint(text: string): CutPoint {
  const match = /^([a-z-]+):(\d+):([a-z-]+)(?:\/(\d+):([a-z-]+))?$/.exec(text);
  const [, phase, operation, tearName, operationAgain, tearAgain] = match ?? [];
  const first = cutOf(operation, tearName);
  const again = cutOf(operationAgain, tearAgain);
  if (phase === undefined || !first || (operationAgain !== undefined && !again)) {
    throw new FormatError('FW_EMULATOR_REPLAY', `not a replay id: ${text}`, {
      hint: `a replay id reads like upgrade:117:half, or upgrade:117:half/34:after for a second cut; tears are ${tears.join(', ')}`,
    });
  }
  return { phase, ...first, ...(again ? { again } : {}) };
}

function cutOf(operation: string | undefined, tearName: string | undefined): SecondCut | undefined {
  const tear = tears.find((name) => name === tearName);
  return operation === undefined || !tear ? undefined : { operation: Number(operation), tear };
}

/**
 * Chooses which operations and tears a sweep visits.
 *
 * `all` is every operation with every tear; `sample` spreads `sampleSize` cuts evenly, the first and last operation
 * included, and takes the tears in turn.
 */
export function chooseCuts(
  phase: string,
  recorded: readonly RecordedOperation[],
  mode: 'sample' | 'all',
  sampleSize = 60,
): readonly { readonly cut: CutPoint; readonly recorded: RecordedOperation }[] {
  const all = recorded.flatMap((operation) =>
    tears.map((tear) => ({ cut: { phase, operation: operation.index, tear }, recorded: operation })),
  );
  if (mode === 'all' || all.length <= sampleSize) return all;
  // A stride prime to the number of tears visits each tear in turn.
  const chosen = new Map<number, (typeof all)[number]>();
  for (let i = 0; i < sampleSize; i += 1) {
    const operation = Math.round((i * (recorded.length - 1)) / (sampleSize - 1));
    const at = operation * tears.length + (i % tears.length);
    const pick = all[at];
    if (pick) chosen.set(at, pick);
  }
  return [...chosen.values()];
}

/** Recoveries that are cut, and the cuts in each, of every phase: some in a sample, many in a sweep of all. */
const recoveryCounts = {
  all: { recoveries: 100, cuts: 20 },
  sample: { recoveries: 12, cuts: 5 },
} as const;

/**
 * Chooses the cuts whose recovery is cut as well: a seeded draw, the same for a phase and its number of cuts.
 *
 * @param cutCount    cuts of the phase
 * @param sampleSize  in a sample, about so many second cuts
 * @returns numbers of the cuts
 */
export function chooseRecoveries(
  phase: string,
  cutCount: number,
  mode: 'sample' | 'all',
  sampleSize: number = recoveryCounts.sample.recoveries * recoveryCounts.sample.cuts,
): ReadonlySet<number> {
  const wanted =
    mode === 'all' ? recoveryCounts.all.recoveries : Math.ceil(sampleSize / recoveryCounts.sample.cuts);
  return draw(`${phase} ${cutCount}`, Math.min(wanted, cutCount), cutCount);
}

/**
 * Chooses where a recovery is cut: a seeded draw among its operations and tears.
 *
 * @param first       the cut it recovers from
 * @param operations  flash operations of the recovery
 */
export function chooseSecondCuts(
  first: CutPoint,
  operations: number,
  mode: 'sample' | 'all',
): readonly SecondCut[] {
  const all = operations * tears.length;
  const drawn = draw(formatCutPoint(first), Math.min(recoveryCounts[mode].cuts, all), all);
  return [...drawn].map((at) => ({
    operation: Math.floor(at / tears.length),
    tear: tears[at % tears.length] ?? 'before',
  }));
}

/** Draws `count` different numbers below `limit`, one of each stretch of it, in ascending order. */
function draw(seed: string, count: number, limit: number): ReadonlySet<number> {
  const random = seededRandom(crc32(Buffer.from(seed)));
  const drawn = new Set<number>();
  for (let i = 0; i < count; i += 1) {
    const from = Math.floor((i * limit) / count);
    drawn.add(from + random.below(Math.floor(((i + 1) * limit) / count) - from));
  }
  return drawn;
}
