/**
 * What can go wrong on a chip: where the power fails, how a block is bad, which bits are stuck.
 *
 * Bit flips need no plan: `NorChip.flipBits` changes the content at once.
 */
import { seededRandom } from '../core/index.js';

/**
 * Where the power fails. Operations are programs and erases, counted from the moment the plan is set (0: the next).
 *
 * - `before`, `after`: between two operations
 * - `bytes`: inside, the first n bytes of the program or of the erased block are done, the rest is as it was
 * - `bits`: inside, a seeded half of the bits that were to change have changed
 * - `budget`: inside or after the operation during which that many bytes have been programmed or erased in all
 */
export type PowerCutPlan =
  | { readonly kind: 'before'; readonly operation: number }
  | { readonly kind: 'after'; readonly operation: number }
  | { readonly kind: 'bytes'; readonly operation: number; readonly bytes: number }
  | { readonly kind: 'bits'; readonly operation: number; readonly seed: number }
  | { readonly kind: 'budget'; readonly bytes: number };

/** How a block is bad: an operation fails and changes nothing, or seems to succeed and changes nothing. */
export type BadBlockBehaviour =
  'program-error' | 'erase-error' | 'read-error' | 'program-noop' | 'erase-noop';

/** A byte of which the bits in `mask` always read as they are in `value`. */
export interface StuckBits {
  readonly offset: number;
  readonly mask: number;
  readonly value: number;
}

/** Blocks that were erased `cycles` times turn bad. */
export interface WearOut {
  readonly cycles: number;
  readonly behaviour: BadBlockBehaviour;
}

/**
 * Mixes two states of the same bytes, bit by bit, half of the bits from each: what an interrupted operation may leave.
 *
 * @returns a new array; the same for the same seed
 */
export function mixBits(before: Uint8Array, after: Uint8Array, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const mixed = new Uint8Array(before.length);
  let pool = 0;
  for (let i = 0; i < mixed.length; i += 1) {
    if (i % 4 === 0) pool = random.next();
    const take = pool & 0xff;
    pool >>>= 8;
    mixed[i] = ((before[i] ?? 0xff) & ~take) | ((after[i] ?? 0xff) & take);
  }
  return mixed;
}
