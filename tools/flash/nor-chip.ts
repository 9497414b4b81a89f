/**
 * A NOR flash chip: programming clears bits, erasing a block sets them all.
 *
 * Content is kept per erase block (block-contents.ts), so that a snapshot, a fork or a rollback costs next to nothing.
 * Where the power fails is in power.ts, other faults in faults.ts, durations in timing.ts.
 */
import { BlockContents, sourceOf } from './block-contents.js';
import type { BlockReferences, FlashSource } from './block-contents.js';
import { FlashError } from './errors.js';
import { mixBits } from './faults.js';
import type { BadBlockBehaviour, PowerCutPlan, StuckBits, WearOut } from './faults.js';
import type { Flash } from './flash.js';
import { checkFlashRange, checkGeometry } from './geometry.js';
import type { FlashGeometry } from './geometry.js';
import { Power } from './power.js';
import type { Reach } from './power.js';
import { programTimeNs, spiNorTiming } from './timing.js';
import type { FlashTiming } from './timing.js';

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
  readonly blocks: BlockReferences;
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

/** A NOR chip in memory. */
export class NorChip implements Flash {
  readonly geometry: FlashGeometry;
  readonly readOnly = false;
  readonly strict: boolean;
  readonly timing: FlashTiming;
  /** Called with every program and erase before it is carried out; not called while the power is off. */
  observer: ((operation: FlashOperation) => void) | undefined;

  #blocks: BlockContents;
  #wear: Uint32Array;
  #counters: { -readonly [K in keyof FlashCounters]: FlashCounters[K] };
  readonly #power = new Power();
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
    const source = sourceOf(options.content, this.geometry.size);
    this.#blocks = new BlockContents(this.geometry.eraseSize, count, source);
    this.#wear = new Uint32Array(count);
    this.#counters = { ...noOperations };
  }

  get counters(): FlashCounters {
    return { ...this.#counters };
  }

  /** Tells whether the power is on. */
  get powered(): boolean {
    return this.#power.on;
  }

  /** Tells how often each erase block was erased, in order of the blocks. */
  wear(): Uint32Array {
    return this.#wear.slice();
  }

  read(offset: number, length: number): Uint8Array {
    this.#power.check();
    this.#checkRange('read', offset, length);
    const out = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const index = Math.floor((offset + done) / this.geometry.eraseSize);
      this.#checkReadable(index);
      const start = (offset + done) % this.geometry.eraseSize;
      const part = this.#blocks.bytes(index).subarray(start, start + length - done);
      out.set(part, done);
      done += part.length;
    }
    this.#counters.reads += 1;
    this.#counters.bytesRead += length;
    this.#counters.busyNs += this.timing.commandNs + length * this.timing.readByteNs;
    return out;
  }

  block(index: number): Uint8Array {
    this.#power.check();
    this.#checkRange('read', index * this.geometry.eraseSize, this.geometry.eraseSize);
    this.#checkReadable(index);
    return this.#blocks.lend(index);
  }

  program(offset: number, data: Uint8Array): void {
    this.#power.check();
    this.#checkRange('program', offset, data.length);
    if (this.strict) this.#checkClearsOnly(offset, data);
    this.observer?.({ kind: 'program', offset, data });
    const reach = this.#power.reachOf(data.length);
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
    if (reach) this.#power.fail();
  }

  erase(offset: number): void {
    this.#power.check();
    const { eraseSize } = this.geometry;
    this.#checkRange('erase', offset, eraseSize);
    if (offset % eraseSize !== 0)
      throw new FlashError(
        'FW_FLASH_ALIGNMENT',
        'EINVAL',
        `erase at ${offset} does not begin on an erase block of ${eraseSize} bytes`,
      );
    this.observer?.({ kind: 'erase', offset, length: eraseSize });
    const reach = this.#power.reachOf(eraseSize);
    const index = offset / eraseSize;
    this.#counters.erases += 1;
    this.#counters.busyNs += this.timing.eraseBlockNs + this.timing.commandNs;
    const bad = this.#bad.get(index);
    if (bad === 'erase-error')
      throw new FlashError('FW_FLASH_ERASE', 'EIO', `erase of block ${index} failed`, {
        data: { block: index },
      });
    if (bad !== 'erase-noop') {
      this.#blocks.replace(index, this.#erasedAsFarAs(index, reach));
      this.#stick(index);
    }
    this.#counters.bytesErased += reach?.kind === 'bytes' ? reach.bytes : eraseSize;
    this.#wear[index] = (this.#wear[index] ?? 0) + 1;
    const wearOut = this.#wearOut;
    if (wearOut && (this.#wear[index] ?? 0) >= wearOut.cycles) this.#bad.set(index, wearOut.behaviour);
    if (reach) this.#power.fail();
  }

  /** Keeps the present state; costs one reference per erase block. */
  snapshot(): FlashSnapshot {
    return { blocks: this.#blocks.keep(), wear: this.#wear.slice(), counters: this.counters };
  }

  /** Goes back to a snapshot of this chip or of one it was forked from, and turns the power on; faults stay. */
  rollback(snapshot: FlashSnapshot): void {
    this.#blocks.goBackTo(snapshot.blocks);
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
    });
    chip.#blocks = this.#blocks.fork();
    chip.rollback(snapshot);
    for (const [index, behaviour] of this.#bad) chip.#bad.set(index, behaviour);
    chip.#stuck.push(...this.#stuck);
    chip.#wearOut = this.#wearOut;
    return chip;
  }

  /** Lists the erase blocks whose content differs, by identity, from a snapshot: what a file has to be given. */
  changedSince(snapshot: FlashSnapshot): number[] {
    return this.#blocks.changedSince(snapshot.blocks);
  }

  /** Copies the whole content, also when the power is off or blocks are bad: what a programmer clip would read. */
  image(): Uint8Array {
    return this.#blocks.image();
  }

  /** Sets where the power fails next, or that it does not. */
  planPowerCut(plan: PowerCutPlan | undefined): void {
    this.#power.plan(plan);
  }

  /** Turns the power on again, with no cut planned. */
  powerOn(): void {
    this.#power.turnOn();
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
    const bytes = this.#blocks.writable(Math.floor(offset / this.geometry.eraseSize));
    const at = offset % this.geometry.eraseSize;
    bytes[at] = (bytes[at] ?? 0) ^ mask;
  }

  #programBlock(index: number, start: number, data: Uint8Array, mixSeed: number | undefined): void {
    const bad = this.#bad.get(index);
    if (bad === 'program-error')
      throw new FlashError('FW_FLASH_PROGRAM', 'EIO', `program in block ${index} failed`, {
        data: { block: index },
      });
    if (bad === 'program-noop') return;
    // A block with stuck bits is never the erased one.
    if (start === 0 && mixSeed === undefined && this.#blocks.shareProgrammed(index, data)) return;
    const bytes = this.#blocks.writable(index);
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
    const { erased } = this.#blocks;
    if (!reach || (reach.kind === 'bytes' && reach.bytes === this.geometry.eraseSize)) return erased;
    const before = this.#blocks.bytes(index);
    if (reach.kind === 'bits') return mixBits(before, erased, reach.seed);
    return before.slice().fill(0xff, 0, reach.bytes);
  }

  #stick(index: number): void {
    const { eraseSize } = this.geometry;
    for (const { offset, mask, value } of this.#stuck) {
      if (Math.floor(offset / eraseSize) !== index) continue;
      const bytes = this.#blocks.writable(index);
      const at = offset % eraseSize;
      bytes[at] = ((bytes[at] ?? 0) & ~mask) | (value & mask);
    }
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
      const bytes = this.#blocks.bytes(Math.floor((offset + done) / eraseSize));
      let at = (offset + done) % eraseSize;
      if (bytes === this.#blocks.erased) {
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
