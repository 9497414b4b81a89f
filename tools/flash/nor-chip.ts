/**
 * A NOR flash chip: programming clears bits, erasing a block sets them all.
 *
 * Content is kept per erase block and copied when it is written after a snapshot, so that a snapshot, a fork or a
 * rollback costs one array of references. Faults are in faults.ts, durations in timing.ts.
 */
import { BlockPool } from './block-pool.js';
import { FlashError, PowerCut } from './errors.js';
import { mixBits } from './faults.js';
import type { BadBlockBehaviour, PowerCutPlan, StuckBits, WearOut } from './faults.js';
import type { Flash } from './flash.js';
import { checkGeometry } from './geometry.js';
import type { FlashGeometry } from './geometry.js';
import { programTimeNs, spiNorTiming } from './timing.js';
import type { FlashTiming } from './timing.js';

/** Where the first content of a chip comes from; read block by block, when a block is first needed. */
export interface FlashSource {
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
}

/** What a chip is and how it behaves. */
export interface NorChipOptions {
  readonly geometry: FlashGeometry;
  /** First content; shorter than the chip: the rest is erased. Absent: all erased. Bytes are copied. */
  readonly content?: Uint8Array | FlashSource;
  /** Refuse programs that would set a bit (default), or do what a chip does, clear bits only, and count them. */
  readonly strict?: boolean;
  readonly timing?: FlashTiming;
}

/** What a chip has done since it was made. */
export interface FlashCounters {
  readonly programs: number;
  readonly erases: number;
  readonly reads: number;
  readonly bytesProgrammed: number;
  readonly bytesErased: number;
  readonly bytesRead: number;
  /** Bytes of programs that would have needed an erase first (not in strict mode). */
  readonly violations: number;
  /** Time that the chip was busy, by its timing model. */
  readonly busyNs: number;
}

/** A program or an erase as it is asked for; `data` of a program is valid during the call only. */
export type FlashOperation =
  | { readonly kind: 'program'; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'erase'; readonly offset: number; readonly length: number };

/** State of a chip at one moment; made by `NorChip.snapshot`, valid for that chip and its forks. */
export interface FlashSnapshot {
  readonly blocks: readonly (Uint8Array | undefined)[];
  readonly wear: Uint32Array;
  readonly counters: FlashCounters;
}

const noOperations: FlashCounters = {
  programs: 0,
  erases: 0,
  reads: 0,
  bytesProgrammed: 0,
  bytesErased: 0,
  bytesRead: 0,
  violations: 0,
  busyNs: 0,
};

/** How far an operation gets: to its end, or to a point at which the power fails. */
type Reach =
  { readonly kind: 'bytes'; readonly bytes: number } | { readonly kind: 'bits'; readonly seed: number };

/** A NOR chip in memory. */
export class NorChip implements Flash {
  readonly geometry: FlashGeometry;
  readonly readOnly = false;
  readonly strict: boolean;
  readonly timing: FlashTiming;
  /** Called with every program and erase before it is carried out; not called while the power is off. */
  observer: ((operation: FlashOperation) => void) | undefined;

  readonly #source: FlashSource | undefined;
  /** undefined: still as in the source. */
  #blocks: (Uint8Array | undefined)[];
  /** Shared with the forks. */
  #pool: BlockPool;
  /** 1: the array belongs to this chip alone and may be written in place. */
  readonly #owned: Uint8Array;
  #wear: Uint32Array;
  #counters: { -readonly [K in keyof FlashCounters]: FlashCounters[K] };
  #cut: PowerCutPlan | undefined;
  #sinceCutPlan = 0;
  #on = true;
  readonly #bad = new Map<number, BadBlockBehaviour>();
  readonly #stuck: StuckBits[] = [];
  #wearOut: WearOut | undefined;

  /**
   * Makes a chip.
   *
   * @throws FlashError FW_FLASH_GEOMETRY for a geometry that is no NOR chip, or content that is larger than the chip
   */
  constructor(options: NorChipOptions) {
    checkGeometry(options.geometry);
    this.geometry = options.geometry;
    if (this.geometry.kind !== 'nor')
      throw new FlashError(
        'FW_FLASH_GEOMETRY',
        'EINVAL',
        `a NOR chip cannot have ${this.geometry.kind} geometry`,
      );
    this.strict = options.strict ?? true;
    this.timing = options.timing ?? spiNorTiming(this.geometry.eraseSize);
    const count = this.geometry.size / this.geometry.eraseSize;
    this.#pool = new BlockPool(this.geometry.eraseSize);
    this.#source = sourceOf(options.content, this.geometry.size);
    this.#blocks = new Array<Uint8Array | undefined>(count).fill(
      this.#source ? undefined : this.#pool.erased,
    );
    this.#owned = new Uint8Array(count);
    this.#wear = new Uint32Array(count);
    this.#counters = { ...noOperations };
  }

  get counters(): FlashCounters {
    return { ...this.#counters };
  }

  /** Tells whether the power is on. */
  get powered(): boolean {
    return this.#on;
  }

  /** Tells how often each erase block was erased, in order of the blocks. */
  wear(): Uint32Array {
    return this.#wear.slice();
  }

  read(offset: number, length: number): Uint8Array {
    this.#checkPower();
    this.#checkRange('read', offset, length);
    const out = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const index = Math.floor((offset + done) / this.geometry.eraseSize);
      this.#checkReadable(index);
      const start = (offset + done) % this.geometry.eraseSize;
      const part = this.#bytes(index).subarray(start, start + length - done);
      out.set(part, done);
      done += part.length;
    }
    this.#counters.reads += 1;
    this.#counters.bytesRead += length;
    this.#counters.busyNs += this.timing.commandNs + length * this.timing.readByteNs;
    return out;
  }

  block(index: number): Uint8Array {
    this.#checkPower();
    this.#checkRange('read', index * this.geometry.eraseSize, this.geometry.eraseSize);
    this.#checkReadable(index);
    this.#owned[index] = 0;
    return this.#bytes(index);
  }

  program(offset: number, data: Uint8Array): void {
    this.#checkPower();
    this.#checkRange('program', offset, data.length);
    if (this.strict) this.#checkClearsOnly(offset, data);
    this.observer?.({ kind: 'program', offset, data });
    const reach = this.#reach(data.length);
    this.#counters.programs += 1;
    this.#counters.busyNs += programTimeNs(this.timing, offset, data.length);
    const wanted = reach?.kind === 'bytes' ? data.subarray(0, reach.bytes) : data;
    for (let done = 0; done < wanted.length;) {
      const index = Math.floor((offset + done) / this.geometry.eraseSize);
      const start = (offset + done) % this.geometry.eraseSize;
      const part = wanted.subarray(done, done + this.geometry.eraseSize - start);
      this.#programBlock(index, start, part, reach?.kind === 'bits' ? reach.seed + done : undefined);
      done += part.length;
    }
    this.#counters.bytesProgrammed += wanted.length;
    if (reach) this.#powerOff();
  }

  erase(offset: number): void {
    this.#checkPower();
    const { eraseSize } = this.geometry;
    this.#checkRange('erase', offset, eraseSize);
    if (offset % eraseSize !== 0)
      throw new FlashError(
        'FW_FLASH_ALIGNMENT',
        'EINVAL',
        `erase at ${offset} does not begin on an erase block of ${eraseSize} bytes`,
      );
    this.observer?.({ kind: 'erase', offset, length: eraseSize });
    const reach = this.#reach(eraseSize);
    const index = offset / eraseSize;
    this.#counters.erases += 1;
    this.#counters.busyNs += this.timing.eraseBlockNs + this.timing.commandNs;
    const bad = this.#bad.get(index);
    if (bad === 'erase-error')
      throw new FlashError('FW_FLASH_ERASE', 'EIO', `erase of block ${index} failed`, {
        data: { block: index },
      });
    if (bad !== 'erase-noop') {
      this.#blocks[index] = this.#erasedAsFarAs(index, reach);
      this.#owned[index] = 0;
      this.#stick(index);
    }
    this.#counters.bytesErased += reach?.kind === 'bytes' ? reach.bytes : eraseSize;
    this.#wear[index] = (this.#wear[index] ?? 0) + 1;
    const wearOut = this.#wearOut;
    if (wearOut && (this.#wear[index] ?? 0) >= wearOut.cycles) this.#bad.set(index, wearOut.behaviour);
    if (reach) this.#powerOff();
  }

  /** Keeps the present state; costs one reference per erase block. */
  snapshot(): FlashSnapshot {
    this.#owned.fill(0);
    return { blocks: this.#blocks.slice(), wear: this.#wear.slice(), counters: this.counters };
  }

  /** Goes back to a snapshot of this chip or of one it was forked from, and turns the power on; faults stay. */
  rollback(snapshot: FlashSnapshot): void {
    this.#blocks = snapshot.blocks.slice();
    this.#owned.fill(0);
    this.#wear = snapshot.wear.slice();
    this.#counters = { ...snapshot.counters };
    this.powerOn();
  }

  /** Makes a second chip of the same kind, content and bad places; both go their own way from here. */
  fork(snapshot: FlashSnapshot = this.snapshot()): NorChip {
    const chip = new NorChip({
      geometry: this.geometry,
      strict: this.strict,
      timing: this.timing,
      ...(this.#source ? { content: this.#source } : {}),
    });
    chip.#pool = this.#pool;
    chip.rollback(snapshot);
    for (const [index, behaviour] of this.#bad) chip.#bad.set(index, behaviour);
    chip.#stuck.push(...this.#stuck);
    chip.#wearOut = this.#wearOut;
    return chip;
  }

  /** Lists the erase blocks whose content differs, by identity, from a snapshot: what a file has to be given. */
  changedSince(snapshot: FlashSnapshot): number[] {
    const changed: number[] = [];
    this.#blocks.forEach((block, index) => {
      if (block !== snapshot.blocks[index]) changed.push(index);
    });
    return changed;
  }

  /** Copies the whole content, also when the power is off or blocks are bad: what a programmer clip would read. */
  image(): Uint8Array {
    const image = new Uint8Array(this.geometry.size);
    for (let index = 0; index < this.#blocks.length; index += 1)
      image.set(this.#bytes(index), index * this.geometry.eraseSize);
    return image;
  }

  /** Sets where the power fails next, or that it does not. */
  planPowerCut(plan: PowerCutPlan | undefined): void {
    this.#cut = plan;
    this.#sinceCutPlan = 0;
  }

  /** Turns the power on again, with no cut planned. */
  powerOn(): void {
    this.#on = true;
    this.planPowerCut(undefined);
  }

  /** Turns a block bad, or good again. */
  setBadBlock(index: number, behaviour: BadBlockBehaviour | undefined): void {
    if (behaviour) this.#bad.set(index, behaviour);
    else this.#bad.delete(index);
  }

  /** Makes blocks turn bad after a number of erases. */
  setWearOut(wearOut: WearOut | undefined): void {
    this.#wearOut = wearOut;
  }

  /** Makes bits stuck from now on. */
  addStuckBits(stuck: StuckBits): void {
    this.#checkRange('stuck bits', stuck.offset, 1);
    this.#stuck.push(stuck);
    this.#stick(Math.floor(stuck.offset / this.geometry.eraseSize));
  }

  /** Flips bits of one byte, as age or radiation does; a byte may be flipped also while the power is off. */
  flipBits(offset: number, mask: number): void {
    this.#checkRange('bit flip', offset, 1);
    const bytes = this.#writable(Math.floor(offset / this.geometry.eraseSize));
    const at = offset % this.geometry.eraseSize;
    bytes[at] = (bytes[at] ?? 0) ^ mask;
  }

  #bytes(index: number): Uint8Array {
    let bytes = this.#blocks[index];
    if (!bytes) {
      const { eraseSize } = this.geometry;
      const read = this.#source?.read(index * eraseSize, eraseSize);
      bytes = read ? new Uint8Array(eraseSize).fill(0xff) : this.#pool.erased;
      if (read) bytes.set(read);
      this.#blocks[index] = bytes;
    }
    return bytes;
  }

  #writable(index: number): Uint8Array {
    let bytes = this.#bytes(index);
    if (this.#owned[index] !== 1) {
      bytes = bytes.slice();
      this.#blocks[index] = bytes;
      this.#owned[index] = 1;
    }
    return bytes;
  }

  #programBlock(index: number, start: number, data: Uint8Array, mixSeed: number | undefined): void {
    const bad = this.#bad.get(index);
    if (bad === 'program-error')
      throw new FlashError('FW_FLASH_PROGRAM', 'EIO', `program in block ${index} failed`, {
        data: { block: index },
      });
    if (bad === 'program-noop') return;
    const shared =
      start === 0 && mixSeed === undefined && this.#bytes(index) === this.#pool.erased
        ? this.#pool.programmed(data)
        : undefined;
    if (shared) {
      // A block with stuck bits is never the erased one.
      this.#blocks[index] = shared;
      this.#owned[index] = 0;
      return;
    }
    const bytes = this.#writable(index);
    const before = mixSeed === undefined ? undefined : bytes.slice(start, start + data.length);
    for (let i = 0; i < data.length; i += 1) {
      const now = (bytes[start + i] ?? 0) & (data[i] ?? 0);
      if (now !== data[i]) this.#counters.violations += 1;
      bytes[start + i] = now;
    }
    if (before && mixSeed !== undefined)
      bytes.set(mixBits(before, bytes.subarray(start, start + data.length), mixSeed), start);
    this.#stick(index);
  }

  #erasedAsFarAs(index: number, reach: Reach | undefined): Uint8Array {
    const { erased } = this.#pool;
    if (!reach || (reach.kind === 'bytes' && reach.bytes === this.geometry.eraseSize)) return erased;
    const before = this.#bytes(index);
    if (reach.kind === 'bits') return mixBits(before, erased, reach.seed);
    return before.slice().fill(0xff, 0, reach.bytes);
  }

  #stick(index: number): void {
    const { eraseSize } = this.geometry;
    for (const { offset, mask, value } of this.#stuck) {
      if (Math.floor(offset / eraseSize) !== index) continue;
      const bytes = this.#writable(index);
      const at = offset % eraseSize;
      bytes[at] = ((bytes[at] ?? 0) & ~mask) | (value & mask);
    }
  }

  /** Decides how far the next operation gets; undefined: to its end, with the power still on. */
  #reach(length: number): Reach | undefined {
    const cut = this.#cut;
    if (!cut) return undefined;
    if (cut.kind === 'budget') {
      const left = cut.bytes - this.#sinceCutPlan;
      this.#sinceCutPlan += length;
      return length >= left ? { kind: 'bytes', bytes: left } : undefined;
    }
    const operation = this.#sinceCutPlan;
    this.#sinceCutPlan += 1;
    if (operation < cut.operation) return undefined;
    switch (cut.kind) {
      case 'before':
        return { kind: 'bytes', bytes: 0 };
      case 'after':
        return { kind: 'bytes', bytes: length };
      case 'bytes':
        return { kind: 'bytes', bytes: Math.min(cut.bytes, length) };
      case 'bits':
        return cut;
    }
  }

  #powerOff(): never {
    this.#on = false;
    throw new PowerCut();
  }

  #checkPower(): void {
    if (!this.#on) throw new PowerCut();
  }

  #checkReadable(index: number): void {
    if (this.#bad.get(index) === 'read-error')
      throw new FlashError('FW_FLASH_READ', 'EIO', `read of block ${index} failed`, {
        data: { block: index },
      });
  }

  #checkRange(what: string, offset: number, length: number): void {
    checkFlashRange(what, offset, length, this.geometry.size);
  }

  #checkClearsOnly(offset: number, data: Uint8Array): void {
    const { eraseSize } = this.geometry;
    for (let done = 0; done < data.length;) {
      const bytes = this.#bytes(Math.floor((offset + done) / eraseSize));
      let at = (offset + done) % eraseSize;
      if (bytes === this.#pool.erased) {
        done += eraseSize - at;
        continue;
      }
      for (; at < eraseSize && done < data.length; at += 1, done += 1) {
        const want = data[done] ?? 0;
        const found = bytes[at] ?? 0;
        if ((found & want) !== want)
          throw new FlashError(
            'FW_FLASH_PROGRAM_SETS_BITS',
            'EIO',
            `program at ${offset + done} would set bits: found 0x${found.toString(16)}, to program 0x${want.toString(16)}`,
            { hint: 'erase the block first', data: { offset: offset + done, expected: want, found } },
          );
      }
    }
  }
}

/**
 * Checks that a range lies inside a device.
 *
 * @throws FlashError FW_FLASH_RANGE
 */
export function checkFlashRange(what: string, offset: number, length: number, size: number): void {
  if (
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset + length <= size
  )
    return;
  throw new FlashError(
    'FW_FLASH_RANGE',
    'EINVAL',
    `${what} of ${length} bytes at ${offset} is outside the device of ${size} bytes`,
    { data: { offset, length, size } },
  );
}

function sourceOf(content: Uint8Array | FlashSource | undefined, chipSize: number): FlashSource | undefined {
  if (!content) return undefined;
  const source: FlashSource =
    content instanceof Uint8Array
      ? ((bytes) => ({
          size: bytes.length,
          read: (offset: number, length: number) => bytes.subarray(offset, offset + length),
        }))(content.slice())
      : content;
  if (source.size <= chipSize) return source;
  throw new FlashError(
    'FW_FLASH_GEOMETRY',
    'EINVAL',
    `content of ${source.size} bytes does not fit a chip of ${chipSize} bytes`,
    { data: { size: source.size, limit: chipSize } },
  );
}
