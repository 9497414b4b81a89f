/** Answers to the kernel as numbers in shared memory, so that a reply makes no objects that cross into the addon. */
import { typeBits } from '../vfs/index.js';
import type { Attributes, FileSystemStatistics, FileType } from '../vfs/index.js';

const slotsOfEntry = 20;
/** Most entries of one listing. */
export const ENTRY_LIMIT = 1024;
const namesOffset = ENTRY_LIMIT * slotsOfEntry * 8;

/**
 * The memory in which answers travel to native/fuse-session.h: slots of 8 bytes, doubles but for the times, which are
 * int64 nanoseconds; behind them the names of a listing.
 */
export class ReplyBlock {
  readonly bytes = new Uint8Array(namesOffset + ENTRY_LIMIT * 256);
  readonly #numbers = new Float64Array(this.bytes.buffer);
  readonly #times = new BigInt64Array(this.bytes.buffer);
  #namesUsed = namesOffset;

  /** One number in slot 0: a count or an offset. */
  number(value: number): void {
    this.#numbers[0] = value;
  }

  /** Attributes at entry `index`; `timeout` is how long the kernel may keep them, in seconds. */
  attributes(attributes: Attributes, timeout: number, index = 0): void {
    const base = index * slotsOfEntry;
    const { ino, size, blocks, type, mode, nlink, uid, gid, rdev } = attributes;
    const numbers = this.#numbers;
    numbers[base + 2] = ino;
    numbers[base + 3] = size;
    numbers[base + 4] = blocks;
    numbers[base + 5] = typeBits[type] | mode;
    numbers[base + 6] = nlink;
    numbers[base + 7] = uid;
    numbers[base + 8] = gid;
    numbers[base + 9] = rdev.major;
    numbers[base + 10] = rdev.minor;
    this.#times[base + 11] = attributes.atimeNs;
    this.#times[base + 12] = attributes.mtimeNs;
    this.#times[base + 13] = attributes.ctimeNs;
    numbers[base + 15] = timeout;
  }

  /** An entry: node id, attributes, and how long name and attributes may be kept. */
  entry(node: number, attributes: Attributes, timeout: number, index = 0): void {
    const base = index * slotsOfEntry;
    this.attributes(attributes, timeout, index);
    this.#numbers[base] = node;
    this.#numbers[base + 1] = 0;
    this.#numbers[base + 14] = timeout;
  }

  /** A name that is not there; the kernel may keep that too. */
  negativeEntry(timeout: number): void {
    this.#numbers.fill(0, 0, slotsOfEntry);
    this.#numbers[14] = timeout;
  }

  /** A listed name without attributes: the kernel will look it up when someone wants to know more. */
  plainEntry(ino: number, type: FileType, index: number): void {
    const base = index * slotsOfEntry;
    this.#numbers.fill(0, base, base + slotsOfEntry);
    this.#numbers[base + 2] = ino;
    this.#numbers[base + 5] = typeBits[type];
  }

  startNames(): void {
    this.#namesUsed = namesOffset;
  }

  /** Name and cookie of listed entry `index`. */
  name(name: string, cookie: number, index: number): void {
    const base = index * slotsOfEntry;
    this.#numbers[base + 16] = this.#namesUsed;
    this.#numbers[base + 17] = name.length;
    this.#numbers[base + 18] = cookie;
    for (let at = 0; at < name.length; at++) this.bytes[this.#namesUsed + at] = name.charCodeAt(at);
    this.#namesUsed += name.length;
  }

  statistics(figures: FileSystemStatistics): void {
    const { blockSize, blocks, blocksFree, blocksAvailable, files, filesFree, nameMax } = figures;
    this.#numbers.set([blockSize, blocks, blocksFree, blocksAvailable, files, filesFree, nameMax]);
  }
}
