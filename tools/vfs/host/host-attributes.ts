/** Attributes as `HostCalls.stat` of the addon lays them out: slots of 8 bytes, doubles but for the times. */
import type { Attributes, FileSystemStatistics, Ino } from '../file-system.js';
import { typeBits, typeOfMode } from '../type-bits.js';

/** Slots that tell which object a name leads to: device, number, type. */
const slotsOfIdentity = 3;

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

/** The memory that `stat` and `statfs` of the addon fill; it shows what the last call found. */
export class AttributeBlock {
  readonly slots = new Float64Array(16);
  readonly #times = new BigInt64Array(this.slots.buffer);

  get device(): number {
    return this.#slot(0);
  }

  get hostIno(): number {
    return this.#slot(1);
  }

  /** Type and permission bits. */
  get mode(): number {
    return this.#slot(2);
  }

  get isDirectory(): boolean {
    return (this.mode & 0o170000) === typeBits.directory;
  }

  get nlink(): number {
    return this.#slot(3);
  }

  get uid(): number {
    return this.#slot(4);
  }

  get gid(): number {
    return this.#slot(5);
  }

  /** Takes device, number and type of an object from a listing. */
  takeIdentity(slots: Float64Array, base: number): void {
    for (let at = 0; at < slotsOfIdentity; at++) this.slots[at] = slots[base + at] ?? 0;
  }

  attributes(ino: Ino): Attributes {
    return attributesFrom(ino, this.slots, this.#times, 0);
  }

  /** After `statfs`. */
  statistics(): FileSystemStatistics {
    return {
      blockSize: this.#slot(0),
      blocks: this.#slot(1),
      blocksFree: this.#slot(2),
      blocksAvailable: this.#slot(3),
      files: this.#slot(4),
      filesFree: this.#slot(5),
      nameMax: this.#slot(6),
    };
  }

  #slot(index: number): number {
    return this.slots[index] ?? 0;
  }
}
