/**
 * Puts one inode together from its nodes: which metadata is valid, which node supplies which range of the content.
 *
 * @see SPEC.md "Versions"; Linux 6.6 fs/jffs2/readinode.c
 */
import { FormatError } from '../../core/index.js';
import type { Content } from '../../vfs/index.js';
import { comprName, decompress } from '../compression/compression.js';
import { comprNumbers } from '../node/layout.js';
import { inodeData, inodeDataIsValid } from '../node/parse.js';
import type { InodeNode } from '../node/parse.js';

/** A range of a file, [start, end), that one node supplies. */
export interface Fragment {
  readonly start: number;
  readonly end: number;
  readonly node: InodeNode;
}

/** What the nodes of an inode amount to. */
export interface InodeState {
  /** The newest good node: mode, owner, times. */
  readonly metadata: InodeNode;
  /** Ascending, not overlapping; gaps are zeros. Cut at `size`. */
  readonly fragments: readonly Fragment[];
  /** Size of a regular file. */
  readonly size: number;
  /** Nodes that the state needs. */
  readonly liveNodes: ReadonlySet<InodeNode>;
  /** Nodes that would count, had they not a bad data checksum. */
  readonly badNodes: readonly InodeNode[];
}

/**
 * Works out the state of an inode.
 *
 * @param nodes all good nodes of the inode in the order of the scan
 * @returns undefined when no node supplies metadata
 */
export function inodeState(bytes: Uint8Array, nodes: readonly InodeNode[]): InodeState | undefined {
  const position = new Map(nodes.map((node, index) => [node, index]));
  // Of equal versions the one that was scanned later comes first: they are copies by an interrupted collection.
  const newestFirst = nodes
    .filter((node) => node.version > 0)
    .sort((a, b) => b.version - a.version || (position.get(b) ?? 0) - (position.get(a) ?? 0));
  const badNodes: InodeNode[] = [];
  const checked = new Map<InodeNode, boolean>();
  const isGood = (node: InodeNode): boolean => {
    let good = checked.get(node);
    if (good === undefined) {
      good = node.offset <= node.isize && inodeDataIsValid(bytes, node);
      checked.set(node, good);
      if (!good) badNodes.push(node);
    }
    return good;
  };
  const metadata = newestFirst.find(isGood);
  if (!metadata) return undefined;
  const fragments = paint(
    newestFirst.filter((node) => node.dsize > 0 && node.version <= metadata.version),
    isGood,
  );
  const covered = fragments.at(-1)?.end ?? 0;
  const size = Math.min(metadata.isize, covered);
  const visible = fragments
    .filter((fragment) => fragment.start < size)
    .map((fragment) => (fragment.end > size ? { ...fragment, end: size } : fragment));
  const liveNodes = new Set([metadata, ...visible.map((fragment) => fragment.node)]);
  return { metadata, fragments: visible, size, liveNodes, badNodes };
}

/** Gives every byte to the newest good node that covers it: newest first, each fills what is still free. */
function paint(newestFirst: readonly InodeNode[], isGood: (node: InodeNode) => boolean): Fragment[] {
  const edges = [...new Set(newestFirst.flatMap((node) => [node.offset, node.offset + node.dsize]))].sort(
    (a, b) => a - b,
  );
  const indexOf = new Map(edges.map((edge, index) => [edge, index]));
  const owner = new Array<InodeNode | undefined>(edges.length);
  // next[i]: the first interval from i on that is still free; paths are shortened as they are walked.
  const next = Uint32Array.from(edges, (_, index) => index);
  const freeFrom = (index: number): number => {
    let found = index;
    while ((next[found] ?? found) !== found) found = next[found] ?? found;
    for (let at = index; at !== found;) {
      const after = next[at] ?? found;
      next[at] = found;
      at = after;
    }
    return found;
  };
  for (const node of newestFirst) {
    const last = indexOf.get(node.offset + node.dsize) ?? 0;
    let index = freeFrom(indexOf.get(node.offset) ?? 0);
    if (index >= last || !isGood(node)) continue;
    while (index < last) {
      owner[index] = node;
      next[index] = index + 1;
      index = freeFrom(index + 1);
    }
  }
  const fragments: Fragment[] = [];
  for (let i = 0; i + 1 < edges.length; i++) {
    const node = owner[i];
    const [start, end] = [edges[i] ?? 0, edges[i + 1] ?? 0];
    const before = fragments.at(-1);
    if (!node) continue;
    if (before?.node === node && before.end === start) fragments[fragments.length - 1] = { ...before, end };
    else fragments.push({ start, end, node });
  }
  return fragments;
}

/** Reads a file from its fragments; a view of `bytes` is kept, and one decompressed node. */
export class FragmentContent implements Content {
  readonly size: number;
  readonly #bytes: Uint8Array;
  readonly #fragments: readonly Fragment[];
  #cached: { readonly node: InodeNode; readonly data: Uint8Array } | undefined;

  constructor(bytes: Uint8Array, state: InodeState) {
    this.size = state.size;
    this.#bytes = bytes;
    this.#fragments = state.fragments;
  }

  /**
   * Reads a range of the file.
   *
   * @throws FormatError FW_JFFS2_DATA when a node cannot be decompressed
   */
  read(offset: number, length: number): Uint8Array {
    const end = Math.min(offset + length, this.size);
    const result = new Uint8Array(Math.max(0, end - offset));
    for (let i = this.#firstAfter(offset); i < this.#fragments.length; i++) {
      const fragment = this.#fragments[i];
      if (!fragment || fragment.start >= end) break;
      if (fragment.node.compr === comprNumbers.zero) continue;
      const from = Math.max(offset, fragment.start);
      const to = Math.min(end, fragment.end);
      const base = fragment.node.offset;
      result.set(this.#dataOf(fragment.node).subarray(from - base, to - base), from - offset);
    }
    return result;
  }

  /** Index of the first fragment that ends behind `offset`. */
  #firstAfter(offset: number): number {
    let low = 0;
    let high = this.#fragments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#fragments[middle]?.end ?? 0) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #dataOf(node: InodeNode): Uint8Array {
    if (this.#cached?.node === node) return this.#cached.data;
    const data = nodeContent(this.#bytes, node);
    this.#cached = { node, data };
    return data;
  }
}

/**
 * Decompresses the data of one node.
 *
 * @throws FormatError FW_JFFS2_DATA when that is not possible
 */
export function nodeContent(bytes: Uint8Array, node: InodeNode): Uint8Array {
  const found = decompress(node.compr, inodeData(bytes, node), node.dsize);
  if (found.kind === 'data') return found.data;
  const what = found.reason === 'unsupported' ? 'is not supported' : 'data is damaged';
  throw new FormatError(
    'FW_JFFS2_DATA',
    `node at ${node.nodeOffset} of inode ${node.ino}: ${comprName(node.compr)} ${what}`,
    { data: { structure: 'inode', offset: node.nodeOffset, ino: node.ino, compressor: found.compressor } },
  );
}
