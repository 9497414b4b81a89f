/**
 * Which node holds which range of a file: a sorted list of fragments without overlap.
 *
 * A node that a later one hides loses its fragments; without any it is obsolete. Nodes that share a page are `normal`:
 * collection has to rewrite them rather than copy them.
 */
import type { NodeRef } from './block.js';
import { CPU_PAGE_SIZE } from '../node/layout.js';

/** A node with data or a hole, as a file sees it. */
export interface DataNode {
  ref: NodeRef;
  readonly offset: number;
  readonly size: number;
  /** How many fragments show it. */
  fragments: number;
}

/** A range of a file; without a node it reads as zeros and has none on flash. */
export interface Fragment {
  readonly offset: number;
  readonly size: number;
  readonly node: DataNode | undefined;
}

const PAGE_MASK = CPU_PAGE_SIZE - 1;

/** The fragments of one file. */
export class FragmentMap {
  #fragments: Fragment[] = [];
  readonly #obsolete: (ref: NodeRef) => void;

  /** @param obsolete  told of every node that no fragment shows any more */
  constructor(obsolete: (ref: NodeRef) => void) {
    this.#obsolete = obsolete;
  }

  get all(): readonly Fragment[] {
    return this.#fragments;
  }

  /** Where the last fragment ends. */
  get end(): number {
    const last = this.#fragments.at(-1);
    return last ? last.offset + last.size : 0;
  }

  /** Finds the fragments that touch a range, in order. */
  between(start: number, end: number): readonly Fragment[] {
    const first = this.indexAt(start);
    let last = first;
    while (last < this.#fragments.length && (this.#fragments[last]?.offset ?? Infinity) < end) last += 1;
    return this.#fragments.slice(first, last);
  }

  /** Returns the index of the first fragment that ends after `offset`. */
  indexAt(offset: number): number {
    let low = 0;
    let high = this.#fragments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const fragment = this.#fragments[middle];
      if (fragment && fragment.offset + fragment.size <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Lays a node over the range it covers. */
  add(node: DataNode): void {
    const { offset, size } = node;
    if (size === 0) return;
    const end = offset + size;
    const fill = this.end;
    if (offset > fill) this.#fragments.push({ offset: fill, size: offset - fill, node: undefined });
    const first = this.indexAt(offset);
    let last = first;
    const kept: Fragment[] = [];
    const hidden: DataNode[] = [];
    for (; last < this.#fragments.length; last += 1) {
      const old = this.#fragments[last];
      if (!old || old.offset >= end) break;
      const oldEnd = old.offset + old.size;
      let parts = 0;
      if (old.offset < offset) {
        kept.push({ ...old, size: offset - old.offset });
        parts += 1;
      }
      if (oldEnd > end) {
        kept.push({ offset: end, size: oldEnd - end, node: old.node });
        parts += 1;
      }
      if (!old.node) continue;
      old.node.fragments += parts - 1;
      hidden.push(old.node);
    }
    node.fragments = 1;
    const fragment = { offset, size, node };
    const before = kept.filter((part) => part.offset < offset);
    const after = kept.filter((part) => part.offset >= end);
    this.#fragments.splice(first, last - first, ...before, fragment, ...after);
    this.#markShared(first + before.length, node);
    for (const old of hidden) this.#lost(old);
  }

  /** Marks nodes that share a page with the fragment at `index`. */
  #markShared(index: number, node: DataNode): void {
    if ((node.offset & PAGE_MASK) !== 0) {
      markNormal(node.ref);
      const previous = this.#fragments[index - 1]?.node;
      if (previous) markNormal(previous.ref);
    }
    const next = this.#fragments[index + 1];
    if (((node.offset + node.size) & PAGE_MASK) !== 0 && next) {
      markNormal(node.ref);
      if (next.node) markNormal(next.node.ref);
    }
  }

  #lost(node: DataNode): void {
    if (node.fragments > 0) markNormal(node.ref);
    else this.#obsolete(node.ref);
  }

  /**
   * Cuts the file to `size`.
   *
   * @returns the size that the fragments then reach, less than `size` when they do not cover it
   */
  truncate(size: number): number {
    const first = this.indexAt(size);
    const cut = this.#fragments.splice(first);
    const straddling = cut[0];
    if (straddling && straddling.offset < size) {
      this.#fragments.push({ ...straddling, size: size - straddling.offset });
      cut.shift();
    }
    for (const { node } of cut) {
      if (!node) continue;
      node.fragments -= 1;
      this.#lost(node);
    }
    const last = this.#fragments.at(-1);
    if (!last) return 0;
    const end = last.offset + last.size;
    if (end < size) return end;
    // A node that begins a page and ends the file shares its page with no other.
    if (last.node && (last.offset & PAGE_MASK) === 0 && last.node.ref.state === 'normal')
      last.node.ref.state = 'pristine';
    return size;
  }

  /** Puts `replacement` in the place of `node`, in every fragment that shows it. */
  replace(node: DataNode, replacement: DataNode): void {
    this.#fragments = this.#fragments.map((fragment) =>
      fragment.node === node ? { ...fragment, node: replacement } : fragment,
    );
    replacement.fragments += node.fragments;
    node.fragments = 0;
  }

  /** Drops every fragment, with their nodes. */
  clear(): void {
    this.truncate(0);
  }

  /** Drops every fragment and leaves the nodes as they are. */
  detach(): readonly Fragment[] {
    return this.#fragments.splice(0);
  }
}

/** Files a node as one that shares its page. */
function markNormal(ref: NodeRef): void {
  if (ref.state === 'pristine') ref.state = 'normal';
}
