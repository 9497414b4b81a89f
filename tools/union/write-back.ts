/**
 * Errors of writing back: the upper could not make durable what it had acknowledged. A layer tells that once, to
 * whoever happens to sync; here it is remembered until everybody concerned has heard of it, once each: who has the
 * object open, and who syncs everything (union-semantics 174).
 *
 * It hangs on the union object, so who opened a lower file hears of its copy too.
 *
 * @see Linux lib/errseq.c and fs/overlayfs/super.c, ovl_sync_status
 */
import { FsError } from '../vfs/index.js';
import type { Errno, FileSystem, LockOwner } from '../vfs/index.js';
import type { Node, NodeTable } from './node.js';
import { OpenFiles } from './open-files.js';
import { stranger } from './users.js';

const writeBackCodes: readonly Errno[] = ['EIO', 'ENOSPC', 'EDQUOT'];

/** The write-back errors of one union. */
export class WriteBackErrors {
  readonly #nodes: NodeTable;
  readonly #lasting: boolean;
  /** What syncing everything has not told yet; of a union that does not flush, what each sync tells from now on. */
  #untold: Errno | undefined;

  /** @param lasting  the union does not flush: once something is lost, no sync succeeds any more */
  constructor(nodes: NodeTable, lasting: boolean) {
    this.#nodes = nodes;
    this.#lasting = lasting;
  }

  /**
   * Makes everything durable.
   *
   * @throws FsError as the upper answers, or what it had answered before to someone else
   */
  flushAll(fs: FileSystem): void {
    this.#flush(fs, undefined);
    this.throwUntold();
  }

  /** Makes an object of the upper durable, for `opener`. @throws FsError as `flushAll` */
  flushObject(fs: FileSystem, node: Node, opener: LockOwner = stranger): void {
    try {
      this.#flush(fs, node);
    } catch (error) {
      node.openFiles?.take(opener);
      throw error;
    }
    const code = node.openFiles?.take(opener);
    if (code !== undefined) throw new FsError(code, 'sync');
  }

  /** Makes all durable without an answer to anybody: a failure is for those to hear who sync later. */
  flushUnheard(fs: FileSystem): void {
    try {
      this.#flush(fs, undefined);
    } catch (error) {
      if (error instanceof FsError) this.#untold ??= error.code;
      throw error;
    }
  }

  /** Something was lost that no sync makes good. */
  get lost(): boolean {
    return this.#lasting && this.#untold !== undefined;
  }

  /** @throws FsError what syncing everything has to tell, once, or each time where nothing is flushed */
  throwUntold(): void {
    const code = this.#untold;
    if (!this.#lasting) this.#untold = undefined;
    if (code !== undefined) throw new FsError(code, 'sync');
  }

  #flush(fs: FileSystem, node: Node | undefined): void {
    try {
      fs.sync(node?.upper);
    } catch (error) {
      if (error instanceof FsError && writeBackCodes.includes(error.code)) this.#note(error.code, node);
      throw error;
    }
  }

  #note(code: Errno, node: Node | undefined): void {
    // Who syncs one object hears of it by the answer, who syncs everything by the next one.
    if (node || this.#lasting) this.#untold = code;
    else this.#untold = undefined;
    for (const concerned of node ? [node] : this.#nodes.values()) {
      if (concerned.upper !== 0) (concerned.openFiles ??= new OpenFiles()).note(code);
    }
  }
}
