/**
 * Power cuts by name, and the choice of those that a sweep makes: all, or a seeded draw that is the same every time.
 */
import { crc32, FormatError, seededRandom } from '../../core/index.js';
import { tears, type Tear } from '../device/cut-recording.js';

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
  const match = /^([a-z0-9-]+):(\d+):([a-z-]+)(?:\/(\d+):([a-z-]+))?$/.exec(text);
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
 * Chooses which operations and tears a sweep visits, in the order of the operations.
 *
 * `all` is every operation with every tear; `sample` spreads `sampleSize` cuts evenly, the first and last operation
 * included, and takes the tears in turn.
 *
 * @param operations  flash operations of the phase
 */
export function chooseCuts(
  phase: string,
  operations: number,
  mode: 'sample' | 'all',
  sampleSize = 60,
): readonly CutPoint[] {
  const count = operations * tears.length;
  const cutAt = (at: number): CutPoint => ({
    phase,
    operation: Math.floor(at / tears.length),
    tear: tears[at % tears.length] ?? 'before',
  });
  if (mode === 'all' || count <= sampleSize) return Array.from({ length: count }, (_, at) => cutAt(at));
  // A stride prime to the number of tears visits each tear in turn.
  const chosen = new Set<number>();
  for (let i = 0; i < sampleSize; i += 1) {
    const operation = Math.round((i * (operations - 1)) / Math.max(1, sampleSize - 1));
    chosen.add(operation * tears.length + (i % tears.length));
  }
  return [...chosen].map(cutAt);
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
