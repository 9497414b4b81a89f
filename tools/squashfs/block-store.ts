import { squashfsAddon } from '../addon/index.js';
import type { NativeBlockStore } from '../addon/index.js';

/**
 * Keeps the compressed data and fragment blocks of one pack run, so that later runs over nearly the same tree compress
 * only what is new. Hand it only to runs with the same compressor and block size: it does not look at them.
 *
 * Blocks are compared byte by byte; it holds the tree's content and its compressed form in memory.
 */
export class BlockStore {
  readonly native: NativeBlockStore = new (squashfsAddon().BlockStore)();

  /** Ends the filling; runs at the same time may use a sealed store. */
  seal(): void {
    this.native.seal();
  }
}
