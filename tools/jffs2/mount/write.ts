/**
 * Where the next node goes, and its way onto flash: reserves, ENOSPC, closing a block with its summary.
 *
 * The arithmetic is that of Linux 6.1 fs/jffs2/nodemgmt.c and summary.c, to the byte, because it decides how much fits
 * a partition. The oracle tests compare it.
 */
import { FlashError } from '../../flash/index.js';
import { FsError } from '../../vfs/index.js';
import type { Lock, Operation, Task } from '../../vfs/index.js';
import type { EraseBlock, NodeOwner, NodeRef, NodeState } from './block.js';
import { acquire, programStep, volumeLock } from './locks.js';
import type { Space } from './space.js';
import { padToNode } from '../node/layout.js';
import { encodeSummary, SUMMARY_OVERHEAD, summaryEntrySize } from '../node/summary.js';
import type { SummaryEntry } from '../node/summary.js';

/** Who asks for space: a deletion may use what others may not. */
export type Priority = 'normal' | 'deletion';

/** Largest summary that Linux writes. */
const MAX_SUMMARY_SIZE = 65536;
/** Collection passes after which an allocation gives up: far more than any volume can need. */
const MAX_PASSES_PER_BLOCK = 20_000;

/** A summary entry whose place is not known before the node is written. */
export type EntryWithoutPlace = SummaryEntry extends infer E
  ? E extends SummaryEntry
    ? Omit<E, 'offset'>
    : never
  : never;

/** A node to write. */
export interface NodeToWrite {
  readonly state: NodeState;
  readonly owner: NodeOwner | undefined;
  /** Makes its exact bytes, not padded; called again for another attempt, when its version may be taken. */
  readonly encode: () => EncodedNode;
}

/** The bytes of a node, and what a summary says of it. */
export interface EncodedNode {
  readonly bytes: Uint8Array;
  readonly entry: EntryWithoutPlace | undefined;
}

/** What the writer needs from the rest of the mount. */
export interface WriterHooks {
  /** Makes one pass of the collector. */
  readonly collect: (task: Task) => Operation<void>;
  /** Told of owners that lost nodes with an erased block. */
  readonly forget: (owner: NodeOwner) => void;
  readonly notice: (text: string) => void;
}

/** Allocates space and writes nodes; all of it while `allocation` is held. */
export class NodeWriter {
  readonly allocation = volumeLock('allocation');
  readonly #space: Space;
  readonly #hooks: WriterHooks;
  readonly #summary: boolean;
  /** Nodes of the block that is written now, for its summary; undefined: it will have none. */
  #entries: SummaryEntry[] | undefined = [];
  #entriesSize = 0;
  #padded = 0;
  #removing = false;

  constructor(space: Space, summary: boolean, hooks: WriterHooks) {
    this.#space = space;
    this.#summary = summary;
    this.#hooks = hooks;
  }

  /** Makes calls that may use what is kept for deletions; they do not stop. */
  removing<T>(call: () => T): T {
    const before = this.#removing;
    this.#removing = true;
    try {
      return call();
    } finally {
      this.#removing = before;
    }
  }

  /** Goes on with a block that was partly written before the mount. */
  adopt(entries: readonly SummaryEntry[] | undefined): void {
    this.#resetSummary();
    if (!entries) {
      this.#entries = undefined;
      return;
    }
    for (const entry of entries) this.#addEntry(entry);
  }

  /**
   * Makes sure that a node of `minSize` bytes fits the block that is written now, collecting if need be. Allocation is held
   * afterwards, until `complete`.
   *
   * @returns bytes that may be written there
   * @throws FsError ENOSPC by the kernel's thresholds
   */
  *reserve(task: Task, minSize: number, priority: Priority, entrySize: number): Operation<number> {
    if (this.#space.readOnly) throw new FsError('EROFS', 'jffs2');
    yield* acquire(task, this.allocation);
    try {
      const asking = this.#removing ? 'deletion' : priority;
      return yield* this.#reserve(task, minSize, asking, entrySize);
    } catch (error) {
      this.allocation.release(task);
      throw error;
    }
  }

  *#reserve(task: Task, minSize: number, priority: Priority, entrySize: number): Operation<number> {
    const space = this.#space;
    let passes = MAX_PASSES_PER_BLOCK * space.blocks.length;
    for (;;) {
      while (space.availableBlocks < space.reserves.writeBlocks) {
        if (this.#isHopeless()) {
          if (priority === 'deletion' && space.availableBlocks >= space.reserves.deletionBlocks) break;
          throw new FsError('ENOSPC', 'jffs2');
        }
        passes -= 1;
        if (passes === 0) throw new FsError('ENOSPC', 'jffs2');
        yield* this.#collect(task);
      }
      const length = yield* this.#tryReserve(task, padToNode(minSize), entrySize);
      if (length !== undefined) return length;
    }
  }

  /** Lets the collector make a pass; it takes the allocation itself. */
  *#collect(task: Task): Operation<void> {
    this.allocation.release(task);
    try {
      yield* this.#hooks.collect(task);
    } finally {
      yield* acquire(task, this.allocation);
    }
  }

  /** Reserves for the collector, which may use every block and holds the allocation. */
  *reserveForCollector(task: Task, minSize: number, entrySize: number): Operation<number> {
    for (;;) {
      const length = yield* this.#tryReserve(task, padToNode(minSize), entrySize);
      if (length !== undefined) return length;
    }
  }

  /** Tells whether collection cannot yield enough for a normal write. */
  #isHopeless(): boolean {
    const { sums, reserves, eraseSize } = this.#space;
    const dirt = this.#space.collectableDirt + sums.unchecked;
    if (dirt < reserves.pointlessDirt) return true;
    const possible = sums.free + sums.dirty + sums.erasing + sums.unchecked;
    return Math.floor(possible / eraseSize) <= reserves.writeBlocks;
  }

  /** One attempt; undefined when a block had to be erased first and the counts must be looked at again. */
  *#tryReserve(task: Task, minSize: number, entrySize: number): Operation<number | undefined> {
    const space = this.#space;
    let summarize = this.#summary;
    let block = space.next;
    let kept = 0;
    if (block && summarize) {
      kept = this.#summaryRoom(entrySize);
      if (minSize + kept > block.free) {
        if (this.#entries && this.#entries.length > 0 && (yield* this.#writeSummary(task, block))) {
          space.closeNext();
          block = undefined;
          kept = padToNode(entrySize + SUMMARY_OVERHEAD);
        } else {
          summarize = false;
          kept = 0;
        }
      }
    }
    if (block && !summarize && minSize > block.free) {
      space.wasteRest(block);
      space.closeNext();
      block = undefined;
    }
    if (!block) {
      if (!(yield* this.#takeFreeBlock(task))) return undefined;
      block = space.next;
      if (!block) throw new FsError('EIO', 'jffs2');
    }
    const marker = block.nodes[0];
    if (space.cleanmarkerSize > 0 && block.used === space.cleanmarkerSize && marker && !marker.owner)
      space.markObsolete(marker);
    return block.free - kept;
  }

  /** Bytes that a summary of the present block would take with one more entry. */
  #summaryRoom(entrySize: number): number {
    // Without a summary the kernel's size is -1, and the sum wraps.
    return padToNode(entrySize + (this.#entries ? this.#entriesSize : -1) + SUMMARY_OVERHEAD);
  }

  *#takeFreeBlock(task: Task): Operation<boolean> {
    const space = this.#space;
    const block = space.free.shift();
    if (block) {
      space.next = block;
      this.#resetSummary();
      return true;
    }
    if (space.erasingCount === 0) {
      const parked = space.erasable.shift();
      if (!parked) throw new FsError('ENOSPC', 'jffs2');
      space.queueErase(parked);
    }
    yield* space.eraseOne(task, this.#hooks.forget);
    return false;
  }

  #resetSummary(): void {
    this.#entries = [];
    this.#entriesSize = 0;
    this.#padded = 0;
  }

  #addEntry(entry: SummaryEntry): void {
    this.#entries?.push(entry);
    this.#entriesSize += summaryEntrySize(entry);
  }

  /** Writes the summary into the rest of a block; false when it cannot have one. */
  *#writeSummary(task: Task, block: EraseBlock): Operation<boolean> {
    const { eraseSize, cleanmarkerSize, endian } = this.#space;
    const entries = this.#entries;
    const filler = block.free - this.#entriesSize - SUMMARY_OVERHEAD;
    const dataSize = block.free - (SUMMARY_OVERHEAD - 8);
    this.#entries = undefined;
    if (!entries || filler < 0) return false;
    if (filler + dataSize > MAX_SUMMARY_SIZE) return false;
    const offset = eraseSize - block.free;
    const bytes = encodeSummary(
      { entries, cleanmarkerSize, padded: this.#padded, offset },
      eraseSize,
      endian,
    );
    try {
      if (task.stops) yield programStep;
      this.#space.flash.program(block.offset + offset, bytes);
    } catch (error) {
      if (!(error instanceof FlashError)) throw error;
      this.#hooks.notice(`Write of summary at 0x${(block.offset + offset).toString(16)} failed`);
      this.#space.link(block, offset, block.free, 'obsolete', undefined);
      return true;
    }
    this.#space.link(block, offset, block.free, 'normal', undefined);
    return true;
  }

  /**
   * Writes a node where space was reserved; a failed program is tried once more elsewhere.
   *
   * @throws FsError EIO when both attempts fail; ENOSPC when there is no elsewhere
   */
  *write(task: Task, node: NodeToWrite, again: () => Operation<number>): Operation<NodeRef> {
    for (let attempt = 0; ; attempt += 1) {
      const { bytes, entry } = node.encode();
      const block = this.#space.next;
      const length = padToNode(bytes.length);
      if (!block || length > block.free) throw new FsError('EIO', 'jffs2');
      const offset = this.#space.eraseSize - block.free;
      if (this.#summary && this.#entries && entry) this.#addEntry({ ...entry, offset });
      else if (this.#summary && !entry) this.#entries = undefined;
      try {
        if (task.stops) yield programStep;
        this.#space.flash.program(block.offset + offset, bytes);
      } catch (error) {
        if (!(error instanceof FlashError)) throw error;
        this.#hooks.notice(
          `Write of ${bytes.length} bytes at 0x${(block.offset + offset).toString(16)} failed`,
        );
        this.#space.link(block, offset, length, 'obsolete', undefined);
        this.#closeIfFull(block);
        if (attempt > 0) throw new FsError('EIO', 'jffs2');
        yield* again();
        continue;
      }
      const ref = this.#space.link(block, offset, length, node.state, node.owner);
      this.#closeIfFull(block);
      return ref;
    }
  }

  #closeIfFull(block: EraseBlock): void {
    if (block.free > 0 || block.dirty > 0 || block !== this.#space.next) return;
    if (block.wasted > 196) return;
    this.#space.next = undefined;
    this.#space.clean.append(block);
  }

  /** Ends the use of a reservation. */
  complete(task: Task): void {
    this.allocation.release(task);
  }

  /**
   * Reserves once more in the middle of a write. What is held must be given up for that, in the order of the locks, and is held
   * again afterwards whether it worked or not.
   */
  *reserveAgain(
    task: Task,
    inner: Lock,
    minSize: number,
    priority: Priority,
    entrySize: number,
  ): Operation<number> {
    inner.release(task);
    this.allocation.release(task);
    try {
      return yield* this.reserve(task, minSize, priority, entrySize);
    } catch (error) {
      yield* acquire(task, this.allocation);
      throw error;
    } finally {
      yield* acquire(task, inner);
    }
  }
}
