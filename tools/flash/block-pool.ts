/**
 * Erase blocks that the states of a chip have in common, each content one array: a chip that formats a partition, or is
 * flashed with the image of another, holds the same arrays as the other. What is learnt of a block under its identity
 * (`Flash.block`) then holds for both, and no bytes are copied.
 */
import { crc32 } from '../core/index.js';

/** Bytes kept of whole blocks; beyond, the pool begins anew. */
const KEPT_BYTES = 32 * 1024 * 1024;
/** Longest start of a block that is kept by its bytes: a cleanmarker, an end marker. */
const LONGEST_START = 16;
const KEPT_STARTS = 64;

const erasedBlocks = new Map<number, Uint8Array>();

/** Shared blocks of a chip and its forks; none is ever written to. */
export class BlockPool {
  readonly erased: Uint8Array;
  readonly #starts = new Map<string, Uint8Array>();
  readonly #whole = new Map<number, Uint8Array>();

  constructor(eraseSize: number) {
    let erased = erasedBlocks.get(eraseSize);
    if (!erased) erasedBlocks.set(eraseSize, (erased = new Uint8Array(eraseSize).fill(0xff)));
    this.erased = erased;
  }

  /**
   * Gives the block that comes of programming an erased one from its start.
   *
   * @param data  at most a block
   * @returns undefined when blocks like this are not shared: neither nearly empty nor programmed in one go
   */
  programmed(data: Uint8Array): Uint8Array | undefined {
    if (data.length === this.erased.length) return this.#wholeBlock(data);
    if (data.length > LONGEST_START) return undefined;
    const key = Buffer.from(data.buffer, data.byteOffset, data.length).toString('latin1');
    let block = this.#starts.get(key);
    if (!block) {
      block = this.erased.slice();
      block.set(data);
      if (this.#starts.size >= KEPT_STARTS) this.#starts.clear();
      this.#starts.set(key, block);
    }
    return block;
  }

  #wholeBlock(data: Uint8Array): Uint8Array {
    const key = crc32(data);
    const known = this.#whole.get(key);
    if (known && Buffer.compare(known, data) === 0) return known;
    const block = new Uint8Array(data);
    if ((this.#whole.size + 1) * block.length > KEPT_BYTES) this.#whole.clear();
    this.#whole.set(key, block);
    return block;
  }
}
