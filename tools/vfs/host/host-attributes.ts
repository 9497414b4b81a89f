/** Attributes as the system calls of the addon lay them out: slots of 8 bytes, doubles but for the times. */
import type { Attributes, Ino } from '../file-system.js';
import { typeOfMode } from '../type-bits.js';

/** Slots that the attributes of one object take; see `HostCalls.stat` of the addon. */
export const slotsOfAttributes = 13;

/** Reads the attributes of object `ino` at slot `base`; `times` is the same memory as `slots`. */
export function attributesFrom(
  ino: Ino,
  slots: Float64Array,
  times: BigInt64Array,
  base: number,
): Attributes {
  const slot = (index: number): number => slots[base + index] ?? 0;
  const time = (index: number): bigint => times[base + index] ?? 0n;
  return {
    ino,
    type: typeOfMode(slot(2)) ?? 'file',
    mode: slot(2) & 0o7777,
    nlink: slot(3),
    uid: slot(4),
    gid: slot(5),
    rdev: { major: slot(6), minor: slot(7) },
    size: slot(8),
    blocks: slot(9),
    atimeNs: time(10),
    mtimeNs: time(11),
    ctimeNs: time(12),
  };
}
