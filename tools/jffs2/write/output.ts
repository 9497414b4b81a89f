/**
 * Lays nodes out in erase blocks: cleanmarkers, alignment, filler, summaries. Knows nothing of files.
 */
import { InternalError, roundUp } from '../../core/index.js';
import { encodeCleanmarker } from '../node/encode.js';
import { padToNode } from '../node/layout.js';
import type { Endian } from '../node/layout.js';
import { encodeSummary, SUMMARY_OVERHEAD, summaryEntrySize } from '../node/summary.js';
import type { SummaryEntry } from '../node/summary.js';

/** Shape of the blocks. */
export interface OutputOptions {
  readonly endian: Endian;
  readonly eraseSize: number;
  /** 0: no cleanmarkers. */
  readonly cleanmarkerSize: number;
  /** Whether full blocks end with a summary. */
  readonly summaries: boolean;
}

/** A summary entry before its place is known. */
export type PendingEntry<Entry = SummaryEntry> = Entry extends SummaryEntry ? Omit<Entry, 'offset'> : never;

/** Less than this between the last node and the end of a block: the block is closed with a summary. */
const LAST_BLOCK_SLACK = 68 + 256;

/** An image that grows node by node. */
export class BlockOutput {
  readonly #options: OutputOptions;
  readonly #cleanmarker: Uint8Array;
  #bytes: Uint8Array;
  #length = 0;
  #entries: SummaryEntry[] = [];
  #entriesSize = 0;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.#bytes = new Uint8Array(options.eraseSize);
    this.#cleanmarker = new Uint8Array();
    if (options.cleanmarkerSize > 0) {
      const marker = encodeCleanmarker(options.cleanmarkerSize, options.endian);
      this.#cleanmarker = new Uint8Array(padToNode(marker.length)).fill(0xff);
      this.#cleanmarker.set(marker);
    }
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that a node of the largest possible size may take in a fresh block. */
  roomInEmptyBlock(entrySize: number): number {
    return this.#options.eraseSize - this.#cleanmarker.length - this.#summaryReserve(0, entrySize);
  }

  /** Bytes that a node with a summary entry of `entrySize` may take in the current block. */
  room(entrySize: number): number {
    const used = this.#length % this.#options.eraseSize;
    if (used === 0) return this.roomInEmptyBlock(entrySize);
    return this.#options.eraseSize - used - this.#summaryReserve(this.#entriesSize, entrySize);
  }

  #summaryReserve(entriesSize: number, entrySize: number): number {
    // A node may need up to three bytes of alignment before the summary.
    return this.#options.summaries ? entriesSize + entrySize + SUMMARY_OVERHEAD + 3 : 0;
  }

  /** Goes on to the next block when less than `size` bytes are left in this one. */
  need(size: number, entrySize: number): void {
    if (this.room(entrySize) < size) this.closeBlock();
  }

  /** Appends a node; it must fit into the block (see `room`). */
  append(node: Uint8Array, entry: PendingEntry): void {
    const { eraseSize } = this.#options;
    if (this.#length % eraseSize === 0) this.startBlock();
    const offset = this.#length % eraseSize;
    if (offset + node.length > eraseSize) {
      throw new InternalError(`a node of ${node.length} bytes does not fit at ${offset} of a block`);
    }
    this.#put(node);
    this.fill(Math.min(padToNode(offset + node.length), eraseSize) - offset - node.length);
    if (!this.#options.summaries) return;
    const placed = { ...entry, offset };
    this.#entries.push(placed);
    this.#entriesSize += summaryEntrySize(placed);
  }

  /** Writes the cleanmarker of a block, where there are cleanmarkers. */
  startBlock(): void {
    if (this.#cleanmarker.length > 0) this.#put(this.#cleanmarker);
  }

  /** Ends the current block, with its summary or FF; does nothing at the start of a block. */
  closeBlock(): void {
    const { eraseSize, endian, cleanmarkerSize } = this.#options;
    const offset = this.#length % eraseSize;
    if (offset === 0) return;
    if (this.#entries.length > 0) {
      const summary = { entries: this.#entries, cleanmarkerSize, offset };
      this.#put(encodeSummary(summary, eraseSize, endian));
      this.#entries = [];
      this.#entriesSize = 0;
    } else {
      this.fill(eraseSize - offset);
    }
  }

  /** Ends the last block with a summary if it is as good as full; else a mount goes on writing in it. */
  closeIfFull(): void {
    if (this.#entries.length > 0 && this.room(0) < LAST_BLOCK_SLACK) this.closeBlock();
  }

  /** Pads the last block with FF, so that a mount can go on writing in it. */
  closePadded(): void {
    const { eraseSize } = this.#options;
    this.fill(roundUp(this.#length, eraseSize) - this.#length);
  }

  /** Appends bytes that are no node. */
  appendRaw(bytes: Readonly<Uint8Array>): void {
    this.#put(bytes);
  }

  /** Appends FF. */
  fill(count: number): void {
    this.#grow(count);
    this.#bytes.fill(0xff, this.#length, this.#length + count);
    this.#length += count;
  }

  /** Returns the image; the output is not used any more. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #put(bytes: Uint8Array): void {
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #grow(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(
      Math.max(needed, roundUp(this.#bytes.length * 1.5, this.#options.eraseSize)),
    );
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
