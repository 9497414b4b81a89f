import { damaged } from './image.js';
import type { SquashfsImage } from './image.js';

/** Reads bytes that run on from one metadata block to the next. */
export class MetadataCursor {
  readonly #image: SquashfsImage;
  readonly #structure: string;
  readonly #end: number;
  #block: number;
  #offset: number;

  /**
   * @param structure  what is read, for messages
   * @param block      offset of the first metadata block in the image
   * @param offset     offset in the decoded block
   * @param end        no block may start at or behind this offset of the image
   */
  constructor(image: SquashfsImage, structure: string, block: number, offset: number, end: number) {
    this.#image = image;
    this.#structure = structure;
    this.#block = block;
    this.#offset = offset;
    this.#end = end;
  }

  /** Reads exactly `length` bytes; the view may be one on a cached block. @throws FormatError FW_SQUASHFS_BLOCK */
  read(length: number): DataView {
    let block = this.#current();
    if (this.#offset + length <= block.length) {
      const view = new DataView(block.buffer, block.byteOffset + this.#offset, length);
      this.#offset += length;
      return view;
    }
    const bytes = new Uint8Array(length);
    for (let done = 0; ; block = this.#current()) {
      const part = block.subarray(this.#offset, this.#offset + length - done);
      bytes.set(part, done);
      done += part.length;
      this.#offset += part.length;
      if (done === length) return new DataView(bytes.buffer);
    }
  }

  /** Reads bytes as an own copy. */
  readBytes(length: number): Uint8Array {
    const view = this.read(length);
    return new Uint8Array(view.buffer, view.byteOffset, length).slice();
  }

  #current(): Uint8Array {
    for (;;) {
      if (this.#block >= this.#end) {
        throw damaged(
          this.#structure,
          this.#block,
          `a block before offset ${this.#end}`,
          'the end of its table',
        );
      }
      const block = this.#image.metadata(this.#block);
      if (this.#offset < block.bytes.length) return block.bytes;
      // Only the position that a reference gives may stand exactly at the end of a block.
      if (this.#offset > block.bytes.length) {
        throw damaged(this.#structure, this.#block, `an offset up to ${block.bytes.length}`, this.#offset);
      }
      this.#block = block.next;
      this.#offset = 0;
    }
  }
}
