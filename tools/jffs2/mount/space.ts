/**
 * Space of a mounted volume: which bytes are used, dirty or free, which blocks wait for what, and how a node becomes
 * obsolete. Thresholds and list moves are those of Linux 6.1 fs/jffs2 (nodemgmt.c, build.c), see jffs2 MOUNT.md.
 */
import type { Flash } from '../../flash/index.js';
import { FlashError } from '../../flash/index.js';
import type { RandomSource } from '../../core/index.js';
import { FsError } from '../../vfs/index.js';
import type { Operation, Task } from '../../vfs/index.js';
import { BlockList, newEraseBlock, removeFromList } from './block.js';
import { reservesOf } from './first-mount.js';
import type { Reserves } from './first-mount.js';
import type { EraseBlock, NodeOwner, NodeRef, NodeState } from './block.js';
import { acquire, eraseStep, locked, programStep, readStep, volumeLock } from './locks.js';
import { encodeCleanmarker } from '../node/encode.js';
import {
  ACCURATE,
  HEADER_SIZE,
  headerLayout,
  INODE_SIZE,
  readFields,
  viewOf,
  writeFields,
} from '../node/layout.js';
import type { Endian } from '../node/layout.js';
import type { Jffs2Node } from '../node/parse.js';

/** Smallest stretch of data that a write asks for. */
export const MIN_DATA_LENGTH = 128;
/** Dirt of this size or less does not make a block dirty. */
const DIRTY_LIMIT = INODE_SIZE + MIN_DATA_LENGTH;

/** Tells whether so many bytes of dirt are worth collecting. */
export function isDirty(size: number): boolean {
  return size > DIRTY_LIMIT;
}

/** Sums over all blocks, in bytes. */
export interface SpaceSums {
  free: number;
  used: number;
  dirty: number;
  wasted: number;
  unchecked: number;
  erasing: number;
  bad: number;
}

/** The space of one mounted volume. */
export class Space {
  readonly flash: Flash;
  readonly endian: Endian;
  readonly eraseSize: number;
  readonly cleanmarkerSize: number;
  readonly reserves: Reserves;
  readonly obsoleteInPlace: boolean;
  readonly blocks: readonly EraseBlock[];
  readonly sums: SpaceSums;
  readonly eraseLock = volumeLock('erase');

  readonly clean = new BlockList('clean');
  readonly dirty = new BlockList('dirty');
  readonly veryDirty = new BlockList('very dirty');
  readonly erasable = new BlockList('erasable');
  readonly erasePending = new BlockList('erase pending');
  readonly free = new BlockList('free');
  readonly bad = new BlockList('bad');

  /** Block that is written now. */
  next: EraseBlock | undefined;
  /** Block that is collected now. */
  collected: EraseBlock | undefined;
  /** Blocks waiting for erase or in it. */
  erasingCount = 0;
  /** While scanning nothing moves between lists; while building nothing is written. */
  phase: 'scanning' | 'building' | 'mounted' = 'scanning';
  readOnly: boolean;
  readonly #random: RandomSource;
  readonly #erased: Uint8Array;
  readonly #notice: (text: string) => void;

  constructor(options: {
    readonly flash: Flash;
    readonly endian: Endian;
    readonly cleanmarkerSize: number;
    readonly obsoleteInPlace: boolean;
    readonly readOnly: boolean;
    readonly random: RandomSource;
    readonly notice: (text: string) => void;
  }) {
    const { eraseSize, size } = options.flash.geometry;
    const count = Math.floor(size / eraseSize);
    this.flash = options.flash;
    this.endian = options.endian;
    this.eraseSize = eraseSize;
    this.cleanmarkerSize = options.cleanmarkerSize;
    this.obsoleteInPlace = options.obsoleteInPlace;
    this.readOnly = options.readOnly;
    this.#random = options.random;
    this.#erased = new Uint8Array(eraseSize).fill(0xff);
    this.#notice = options.notice;
    this.reserves = reservesOf(options.flash.geometry);
    this.blocks = Array.from({ length: count }, (_, index) => newEraseBlock(index, eraseSize));
    this.sums = { free: count * eraseSize, used: 0, dirty: 0, wasted: 0, unchecked: 0, erasing: 0, bad: 0 };
  }

  /**
   * Reads bytes of the partition.
   *
   * @throws FsError EIO when the chip cannot read them
   */
  read(offset: number, length: number): Uint8Array {
    return orEio(() => this.flash.read(offset, length));
  }

  /** Gives the bytes of an erase block, as `Flash.block`; FsError EIO when the chip cannot read them. */
  readBlock(index: number): Uint8Array {
    return orEio(() => this.flash.block(index));
  }

  isVeryDirty(size: number): boolean {
    return size >= Math.floor(this.eraseSize / 2);
  }

  /** Files bytes at the end of what a block holds as a node. */
  link(
    block: EraseBlock,
    offset: number,
    length: number,
    state: NodeState,
    owner: NodeOwner | undefined,
    parsed?: Jffs2Node,
  ): NodeRef {
    const ref: NodeRef = { block, offset, length, state, owner, parsed };
    block.nodes.push(ref);
    if (owner) owner.nodes.unshift(ref);
    const use = state === 'unchecked' ? 'unchecked' : state === 'obsolete' ? 'dirty' : 'used';
    block.free -= length;
    this.sums.free -= length;
    block[use] += length;
    this.sums[use] += length;
    return ref;
  }

  /** Files bytes at the end of what a block holds as dirt. */
  addDirt(block: EraseBlock, length: number): void {
    block.free -= length;
    this.sums.free -= length;
    block.dirty += length;
    this.sums.dirty += length;
  }

  /** Files the rest of the block that is written now as waste. */
  wasteRest(block: EraseBlock): void {
    this.sums.wasted += block.free;
    this.sums.free -= block.free;
    block.wasted += block.free;
    block.free = 0;
  }

  /** Turns the waste of a block into dirt, so that it counts. */
  wasteToDirt(block: EraseBlock): void {
    block.dirty += block.wasted;
    this.sums.dirty += block.wasted;
    this.sums.wasted -= block.wasted;
    block.wasted = 0;
  }

  /** Files an unchecked node as good. */
  markChecked(ref: NodeRef, state: 'normal' | 'pristine'): void {
    if (ref.state !== 'unchecked') return;
    ref.state = state;
    ref.block.unchecked -= ref.length;
    this.sums.unchecked -= ref.length;
    ref.block.used += ref.length;
    this.sums.used += ref.length;
  }

  /** Makes a node obsolete: its bytes become dirt or waste, and its block may change lists. */
  markObsolete(ref: NodeRef): void {
    if (ref.state === 'obsolete') return;
    const { block, length } = ref;
    const use = ref.state === 'unchecked' ? 'unchecked' : 'used';
    block[use] -= length;
    this.sums[use] -= length;
    let added = 0;
    if ((block.dirty > 0 || isDirty(block.wasted + length)) && block !== this.next) {
      added = length + block.wasted;
      block.dirty += length;
      this.sums.dirty += length;
      this.wasteToDirt(block);
    } else {
      block.wasted += length;
      this.sums.wasted += length;
    }
    ref.state = 'obsolete';
    if (this.phase === 'scanning') return;
    this.#refile(block, added);
    if (this.obsoleteInPlace && this.phase === 'mounted' && !this.readOnly) this.#obliterate(ref);
  }

  #refile(block: EraseBlock, added: number): void {
    if (block === this.next) return;
    if (block.used === 0 && block.unchecked === 0) {
      if (block === this.collected) this.collected = undefined;
      else removeFromList(block);
      // Mostly it is erased at once; now and then it is left alone, which spreads the wear.
      if (this.#random.below(128) !== 0) this.queueErase(block);
      else this.erasable.append(block);
    } else if (block === this.collected) {
      return;
    } else if (isDirty(block.dirty) && !isDirty(block.dirty - added)) {
      this.dirty.append(block);
    } else if (this.isVeryDirty(block.dirty) && !this.isVeryDirty(block.dirty - added)) {
      this.veryDirty.append(block);
    }
  }

  /** Clears the ACCURATE bit of a node on flash. */
  #obliterate(ref: NodeRef): void {
    const at = ref.block.offset + ref.offset;
    try {
      const header = this.flash.read(at, HEADER_SIZE);
      const { nodetype } = readFields(headerLayout, viewOf(header), 0, this.endian);
      if ((nodetype & ACCURATE) === 0) return;
      writeFields(headerLayout, viewOf(header), 0, { nodetype: nodetype & ~ACCURATE }, this.endian);
      this.flash.program(at, header);
    } catch (error) {
      if (!(error instanceof FlashError)) throw error;
      this.#notice(`Write error in obliterating obsoleted node at 0x${at.toString(16)}`);
      return;
    }
    const { owner } = ref;
    if (owner) owner.nodes.splice(owner.nodes.indexOf(ref), 1);
  }

  /** Puts a block that holds nothing live where it waits for erase. */
  queueErase(block: EraseBlock): void {
    this.erasePending.append(block);
    this.erasingCount += 1;
  }

  /**
   * Erases the first block that waits for it, and writes its cleanmarker.
   *
   * @param forget  told of the owners that lost nodes with the block
   * @returns false when no block waits
   */
  eraseOne(task: Task, forget: (owner: NodeOwner) => void): Operation<boolean> {
    return locked(task, this.eraseLock, () => this.#eraseFirst(task, forget));
  }

  /** Waits until the erase that another task is at is over. */
  *erasedByOther(task: Task): Operation<void> {
    yield* acquire(task, this.eraseLock);
    this.eraseLock.release(task);
  }

  *#eraseFirst(task: Task, forget: (owner: NodeOwner) => void): Operation<boolean> {
    const block = this.erasePending.shift();
    if (!block) return false;
    for (const use of ['wasted', 'free', 'used', 'dirty'] as const) {
      this.sums[use] -= block[use];
      block[use] = 0;
    }
    this.sums.erasing += this.eraseSize;
    this.#forgetNodes(block, forget);
    if (!(yield* this.#eraseAndMark(task, block))) {
      this.sums.erasing -= this.eraseSize;
      this.sums.bad += this.eraseSize;
      this.erasingCount -= 1;
      this.bad.append(block);
      return true;
    }
    this.sums.erasing -= this.eraseSize;
    block.free = this.eraseSize;
    this.sums.free += this.eraseSize;
    if (this.cleanmarkerSize > 0) this.link(block, 0, this.cleanmarkerSize, 'normal', undefined);
    this.free.append(block);
    this.erasingCount -= 1;
    return true;
  }

  *#eraseAndMark(task: Task, block: EraseBlock): Operation<boolean> {
    try {
      if (task.stops) yield eraseStep;
      this.flash.erase(block.offset);
      if (task.stops) yield readStep;
      if (Buffer.compare(this.flash.block(block.index), this.#erased) !== 0) {
        this.#notice(`Newly-erased block at 0x${block.offset.toString(16)} is not all FF`);
        return false;
      }
      if (this.cleanmarkerSize > 0) {
        if (task.stops) yield programStep;
        this.flash.program(block.offset, encodeCleanmarker(this.cleanmarkerSize, this.endian));
      }
      return true;
    } catch (error) {
      if (!(error instanceof FlashError)) throw error;
      this.#notice(`Erase at 0x${block.offset.toString(16)} failed: ${error.message}`);
      return false;
    }
  }

  #forgetNodes(block: EraseBlock, forget: (owner: NodeOwner) => void): void {
    const owners = new Set<NodeOwner>();
    for (const { owner } of block.nodes) if (owner) owners.add(owner);
    for (const owner of owners) {
      owner.nodes = owner.nodes.filter((ref) => ref.block !== block);
      forget(owner);
    }
    block.nodes = [];
    block.collectFrom = 0;
  }

  /** Takes the block that is written now off its place and files it by its dirt. */
  closeNext(): void {
    const block = this.next;
    if (!block) return;
    this.next = undefined;
    if (!isDirty(block.wasted + block.dirty)) {
      this.clean.append(block);
      return;
    }
    this.wasteToDirt(block);
    (this.isVeryDirty(block.dirty) ? this.veryDirty : this.dirty).append(block);
  }

  /** Free blocks, and those that will be free once erased. */
  get availableBlocks(): number {
    return this.free.length + this.erasingCount;
  }

  /** Dirt that collection could turn into free space. */
  get collectableDirt(): number {
    return this.sums.dirty + this.sums.erasing - this.erasingCount * this.eraseSize;
  }

  /** Tells whether the kernel's collector thread would run. */
  get collectorAwake(): boolean {
    if (this.erasePending.length > 0 || this.sums.unchecked > 0) return true;
    const { gcTriggerBlocks, pointlessDirt, veryDirtyBlocks } = this.reserves;
    if (this.availableBlocks < gcTriggerBlocks && this.collectableDirt > pointlessDirt) return true;
    // The kernel counts in 8 bits.
    const enough = (this.obsoleteInPlace ? veryDirtyBlocks * 10 : veryDirtyBlocks) & 0xff;
    return enough > 0 && this.veryDirty.length >= enough;
  }

  /**
   * Picks the block to collect: mostly dirty ones, sometimes a clean one, which levels the wear.
   *
   * @see Linux 6.1 fs/jffs2/gc.c, jffs2_find_gc_block
   */
  chooseCollected(): EraseBlock | undefined {
    const n = this.#random.below(128);
    const filled = (list: BlockList): boolean => list.length > 0;
    let list: BlockList | undefined;
    if (n < 50 && filled(this.erasable)) list = this.erasable;
    else if (n < 110 && filled(this.veryDirty)) list = this.veryDirty;
    else if (n < 126 && filled(this.dirty)) list = this.dirty;
    else list = [this.clean, this.dirty, this.veryDirty, this.erasable].find(filled);
    const block = list?.shift();
    if (!block) return undefined;
    block.collectFrom = 0;
    this.wasteToDirt(block);
    this.collected = block;
    return block;
  }
}

function orEio(read: () => Uint8Array): Uint8Array {
  try {
    return read();
  } catch (error) {
    if (error instanceof FlashError) throw new FsError('EIO', 'jffs2');
    throw error;
  }
}
