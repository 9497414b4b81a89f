/**
 * The bytes of a chip, an array for each erase block: read from a source when first needed, shared until written.
 *
 * An array that others hold (a snapshot, a fork, a reader of `Flash.block`) never changes: it is copied before it is
 * written. So a snapshot, a fork or a rollback costs one array of references.
 */
import { BlockPool } from './block-pool.js';
import { FlashError } from './errors.js';

/** Where the first content of a chip comes from; read block by block, when a block is first needed. */
export interface FlashSource {
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
}

/** All blocks at one moment; undefined: still as in the source. */
export type BlockReferences = readonly (Uint8Array | undefined)[];

/** The content of one chip. */
export class BlockContents {
  readonly source: FlashSource | undefined;
  readonly #eraseSize: number;
  readonly #pool: BlockPool;
  #blocks: (Uint8Array | undefined)[];
  /** 1: the array belongs to this chip alone and may be written in place. */
  readonly #owned: Uint8Array;

  /**
   * @param count  how many blocks
   * @param pool   shared with the forks of a chip
   */
  constructor(
    eraseSize: number,
    count: number,
    source: FlashSource | undefined,
    pool = new BlockPool(eraseSize),
  ) {
    this.#eraseSize = eraseSize;
    this.#pool = pool;
    this.source = source;
    this.#blocks = new Array<Uint8Array | undefined>(count).fill(source ? undefined : pool.erased);
    this.#owned = new Uint8Array(count);
  }

  /** The shared block that is all ones. */
  get erased(): Uint8Array {
    return this.#pool.erased;
  }

  /** Gives the bytes of a block, not to be kept beyond the next write. */
  bytes(index: number): Uint8Array {
    let bytes = this.#blocks[index];
    if (!bytes) {
      const read = this.source?.read(index * this.#eraseSize, this.#eraseSize);
      bytes = read ? new Uint8Array(this.#eraseSize).fill(0xff) : this.erased;
      if (read) bytes.set(read);
      this.#blocks[index] = bytes;
    }
    return bytes;
  }

  /** Gives the bytes of a block, to be kept: they never change. */
  lend(index: number): Uint8Array {
    this.#owned[index] = 0;
    return this.bytes(index);
  }

  /** Gives the bytes of a block, to be written to. */
  writable(index: number): Uint8Array {
    let bytes = this.bytes(index);
    if (this.#owned[index] !== 1) {
      bytes = bytes.slice();
      this.#blocks[index] = bytes;
      this.#owned[index] = 1;
    }
    return bytes;
  }

  /** Puts other bytes in place of a block; the array is not written to. */
  replace(index: number, bytes: Uint8Array): void {
    this.#blocks[index] = bytes;
    this.#owned[index] = 0;
  }

  /** Programs an erased block from its start by a shared block of that content; false where none is shared. */
  shareProgrammed(index: number, data: Uint8Array): boolean {
    const shared = this.bytes(index) === this.erased ? this.#pool.programmed(data) : undefined;
    if (shared) this.replace(index, shared);
    return shared !== undefined;
  }

  /** Keeps the present state; costs one reference per block. */
  keep(): BlockReferences {
    this.#owned.fill(0);
    return this.#blocks.slice();
  }

  /** Goes back to a state that this content or one it was forked from has kept. */
  goBackTo(blocks: BlockReferences): void {
    this.#blocks = blocks.slice();
    this.#owned.fill(0);
  }

  /** Makes a second content with the same source and pool, in the first state. */
  fork(): BlockContents {
    return new BlockContents(this.#eraseSize, this.#blocks.length, this.source, this.#pool);
  }

  /** Lists the blocks that are other arrays than in `blocks`. */
  changedSince(blocks: BlockReferences): number[] {
    const changed: number[] = [];
    this.#blocks.forEach((block, index) => {
      if (block !== blocks[index]) changed.push(index);
    });
    return changed;
  }

  /** Copies the whole content. */
  image(): Uint8Array {
    const image = new Uint8Array(this.#blocks.length * this.#eraseSize);
    for (let index = 0; index < this.#blocks.length; index += 1)
      image.set(this.bytes(index), index * this.#eraseSize);
    return image;
  }
}

/**
 * Makes a source of the first content of a chip; bytes are copied.
 *
 * @throws FlashError FW_FLASH_GEOMETRY for content that is larger than the chip
 */
export function sourceOf(
  content: Uint8Array | FlashSource | undefined,
  chipSize: number,
): FlashSource | undefined {
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
