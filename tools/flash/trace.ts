/**
 * A compact record of what was programmed and erased, and its replay.
 *
 * Bytes: the magic `FWT1`, then records. A record begins with a kind byte (1 program, 2 erase, 3 mark) and unsigned
 * LEB128 numbers: offset and, for a program, length and the data; for a mark, length and UTF-8 text. An erase is of one block.
 */
import { FormatError } from '../core/index.js';
import type { Flash } from './flash.js';
import type { FlashOperation } from './nor-chip.js';

/** One record of a trace: an operation, or a mark that the recorder's user put between operations. */
export type TraceRecord =
  | { readonly kind: 'program'; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'erase'; readonly offset: number }
  | { readonly kind: 'mark'; readonly text: string };

const MAGIC = new Uint8Array([0x46, 0x57, 0x54, 0x31]);
const KINDS = { program: 1, erase: 2, mark: 3 } as const;

/** Collects operations; its `observe` is what `NorChip.observer` takes. */
export class TraceRecorder {
  #bytes = new Uint8Array(4096);
  #length = 0;

  constructor() {
    this.#put(MAGIC);
  }

  readonly observe = (operation: FlashOperation): void => {
    this.#put([KINDS[operation.kind]]);
    this.#putNumber(operation.offset);
    if (operation.kind === 'erase') return;
    this.#putNumber(operation.data.length);
    this.#put(operation.data);
  };

  /** Puts a text between the operations before and after it. */
  mark(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.#put([KINDS.mark]);
    this.#putNumber(bytes.length);
    this.#put(bytes);
  }

  /** Gives the trace so far, as a copy. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #put(bytes: ArrayLike<number>): void {
    if (this.#length + bytes.length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes.length));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #putNumber(value: number): void {
    const bytes: number[] = [];
    for (let rest = value; ; rest = Math.floor(rest / 128)) {
      bytes.push(rest < 128 ? rest : (rest % 128) | 128);
      if (rest < 128) break;
    }
    this.#put(bytes);
  }
}

/**
 * Reads a trace record by record.
 *
 * @throws FormatError FW_FLASH_TRACE when the bytes are no trace or end inside a record
 */
export function* readTrace(trace: Uint8Array): Generator<TraceRecord> {
  let at = 0;
  const fail = (what: string): FormatError =>
    new FormatError('FW_FLASH_TRACE', `flash trace: ${what} at ${at}`, { data: { offset: at } });
  const byte = (): number => {
    const value = trace[at];
    if (value === undefined) throw fail('ends inside a record');
    at += 1;
    return value;
  };
  const number = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const next = byte();
      value += (next & 127) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw fail('number too large');
      if (next < 128) return value;
    }
  };
  const bytes = (length: number): Uint8Array => {
    if (length > trace.length - at) throw fail('ends inside a record');
    at += length;
    return trace.slice(at - length, at);
  };
  if (MAGIC.some((value) => byte() !== value)) throw fail('no magic FWT1');
  while (at < trace.length) {
    const kind = byte();
    if (kind === KINDS.program) {
      const offset = number();
      yield { kind: 'program', offset, data: bytes(number()) };
    } else if (kind === KINDS.erase) {
      yield { kind: 'erase', offset: number() };
    } else if (kind === KINDS.mark) {
      yield { kind: 'mark', text: new TextDecoder().decode(bytes(number())) };
    } else {
      throw fail(`unknown record kind ${kind}`);
    }
  }
}

/** Carries out one record; a mark does nothing. */
function replayRecord(record: TraceRecord, flash: Flash): void {
  if (record.kind === 'program') flash.program(record.offset, record.data);
  else if (record.kind === 'erase') flash.erase(record.offset);
}

/**
 * Does again what a trace holds, on a device in the state in which recording began.
 *
 * @returns the number of operations
 * @throws FormatError FW_FLASH_TRACE; what the device throws
 */
export function replayTrace(trace: Uint8Array, flash: Flash): number {
  let operations = 0;
  for (const record of readTrace(trace)) {
    replayRecord(record, flash);
    if (record.kind !== 'mark') operations += 1;
  }
  return operations;
}
