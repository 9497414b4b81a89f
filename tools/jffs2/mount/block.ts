/**
 * What a mount keeps in mind of each erase block and of each node: sizes by use, and the lists of blocks.
 *
 * The lists have the kernel's names and order, because the order decides which block is written or collected next.
 */
import type { Jffs2Node } from '../node/parse.js';

/** What is known of a node: `normal` shares its page or is partly hidden, `pristine` can be copied as it is. */
export type NodeState = 'unchecked' | 'normal' | 'pristine' | 'obsolete';

/** Whose a node is: an inode, an attribute or a tie; it lists its nodes, newest in flash first. */
export interface NodeOwner {
  readonly kind: 'inode' | 'xattr' | 'xref';
  nodes: NodeRef[];
}

/** One node on flash. */
export interface NodeRef {
  readonly block: EraseBlock;
  /** From the start of the block. */
  readonly offset: number;
  /** Rounded up to a multiple of four. */
  readonly length: number;
  state: NodeState;
  readonly owner: NodeOwner | undefined;
  /** What the scan read, so that it need not be read again. */
  readonly parsed: Jffs2Node | undefined;
}

/** One erase block. The five sizes add up to the size of the block. */
export interface EraseBlock {
  readonly index: number;
  /** From the start of the partition. */
  readonly offset: number;
  free: number;
  used: number;
  dirty: number;
  /** Dirt too small to matter. */
  wasted: number;
  unchecked: number;
  /** In order of their offsets. */
  nodes: NodeRef[];
  /** Where collection of this block goes on, an index into `nodes`. */
  collectFrom: number;
  list: BlockList | undefined;
}

/** A list of blocks, as the kernel's `list_head`. */
export class BlockList {
  readonly name: string;
  readonly blocks: EraseBlock[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get length(): number {
    return this.blocks.length;
  }

  /** Puts a block at the end, taking it off the list it is on. */
  append(block: EraseBlock): void {
    removeFromList(block);
    this.blocks.push(block);
    block.list = this;
  }

  /** Puts a block at the start, taking it off the list it is on. */
  prepend(block: EraseBlock): void {
    removeFromList(block);
    this.blocks.unshift(block);
    block.list = this;
  }

  /** Takes the first block. */
  shift(): EraseBlock | undefined {
    const block = this.blocks.shift();
    if (block) block.list = undefined;
    return block;
  }

  /** Moves the start of the list on by `by` and one more, as the kernel's rotation does. */
  rotate(by: number): void {
    if (this.blocks.length === 0) return;
    this.blocks.push(...this.blocks.splice(0, (by % this.blocks.length) + 1));
  }
}

/** Takes a block off the list it is on, if any. */
export function removeFromList(block: EraseBlock): void {
  if (!block.list) return;
  const { blocks } = block.list;
  blocks.splice(blocks.indexOf(block), 1);
  block.list = undefined;
}

/** Makes a block of which nothing is known: all of it counts as free. */
export function newEraseBlock(index: number, eraseSize: number): EraseBlock {
  return {
    index,
    offset: index * eraseSize,
    free: eraseSize,
    used: 0,
    dirty: 0,
    wasted: 0,
    unchecked: 0,
    nodes: [],
    collectFrom: 0,
    list: undefined,
  };
}
