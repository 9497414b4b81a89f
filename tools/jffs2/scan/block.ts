/**
 * Scans one erase block by the rules of the Linux mount: what is a node, what is dirt, what is free.
 *
 * @see SPEC.md "Mount scan"; Linux 6.6 fs/jffs2/scan.c
 */
import {
  compatClasses,
  compatMask,
  HEADER_SIZE,
  MAGIC,
  MAGIC_SWAPPED,
  NODE_ALIGNMENT,
  padToNode,
} from '../node/layout.js';
import type { Endian } from '../node/layout.js';
import { parseNode } from '../node/parse.js';
import type { DirentNode, InodeNode, Jffs2Node, NodeFault, XattrNode, XrefNode } from '../node/parse.js';
import { parseSummary } from '../node/summary.js';
import type { Summary } from '../node/summary.js';
import type { BlockReport, BlockState, ProblemList } from './report.js';

/** The bytes of an area and how to read them. */
export interface ScanArea {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly endian: Endian;
  readonly eraseSize: number;
  /** Whether DE AD C0 DE at the start of a block ends the file system, as on OpenWrt. */
  readonly endMarker: boolean;
  readonly problems: ProblemList;
}

/** A node that counts for the tree. */
export type TreeNode = DirentNode | InodeNode | XattrNode | XrefNode;

/** What a block holds. */
export interface BlockScan {
  readonly report: BlockReport;
  readonly nodes: readonly TreeNode[];
  readonly obsoleteNodes: number;
  /** Set by a node of an unknown type that a driver must refuse. */
  readonly refusal?: string;
}

/** Bytes at the start of a block that decide whether it is taken as erased. */
const EMPTY_SPAN = 256;
/** Behind a cleanmarker, erased up to here, a block is taken as free without looking further. */
const CLEAN_SPAN = 32;
/** A block with no more than this besides its nodes counts as full. */
const CLEAN_SLACK = 196;
const END_MARKER = 0xdeadc0de;

/** Tells whether OpenWrt's end marker stands at `offset`; its byte order is the same on all machines. */
export function isEndMarker(view: DataView, offset: number): boolean {
  return offset + 4 <= view.byteLength && view.getUint32(offset, false) === END_MARKER;
}

/** Finds where a run of FF that starts at `from` (a multiple of 4) ends; at most `end`. */
function erasedUntil(view: DataView, from: number, end: number): number {
  let at = from;
  while (at + 4 <= end && view.getInt32(at) === -1) at += 4;
  if (at + 4 > end) while (at < end && view.getUint8(at) === 0xff) at += 1;
  return at;
}

/** Reports a block that is taken as erased, whatever it holds. */
export function emptyBlock(
  area: ScanArea,
  offset: number,
  state: 'erased' | 'end-marker' | 'behind-marker',
): BlockScan {
  const counts = { usedBytes: 0, dirtyBytes: 0, freeBytes: area.eraseSize, cleanmarkerSize: 0 };
  return { report: { offset, state, ...counts, summary: false }, nodes: [], obsoleteNodes: 0 };
}

/** Scans the block at `offset`. What an image lacks at its end is taken as erased. */
export function scanBlock(area: ScanArea, offset: number): BlockScan {
  const { bytes, view, problems } = area;
  const end = Math.min(offset + area.eraseSize, bytes.length);
  const summary =
    end - offset === area.eraseSize ? parseSummary(bytes.subarray(offset, end), area.endian) : 'none';
  if (typeof summary !== 'string') return scanBySummary(area, offset, end, summary);
  if (summary !== 'none') {
    problems.add({
      kind: 'summary',
      offset,
      text: `summary not usable (${summary}); every node was scanned`,
    });
  }
  if (area.endMarker && isEndMarker(view, offset)) return emptyBlock(area, offset, 'end-marker');
  const emptyEnd = Math.min(offset + EMPTY_SPAN, end);
  if (erasedUntil(view, offset, emptyEnd) === emptyEnd) return emptyBlock(area, offset, 'erased');
  return new BlockWalk(area, offset, end).run();
}

/** Takes the nodes that a summary lists, and no others: that is what a mount sees. */
function scanBySummary(area: ScanArea, offset: number, end: number, summary: Summary): BlockScan {
  const nodes: TreeNode[] = [];
  let usedBytes = summary.cleanmarkerSize;
  for (const entry of summary.entries) {
    const nodeOffset = offset + entry.offset;
    const found = parseNode(area.bytes, nodeOffset, end, area.endian, area.view);
    if (found.kind !== entry.kind) {
      const text = `the summary lists ${entry.kind} here, there is ${nodeText(found)}`;
      area.problems.add({ kind: 'summary', offset: nodeOffset, text });
      continue;
    }
    nodes.push(found);
    usedBytes += padToNode(found.totlen);
  }
  const dirtyBytes = area.eraseSize - usedBytes;
  const report: BlockReport = {
    ...{ offset, usedBytes, dirtyBytes, freeBytes: 0, cleanmarkerSize: summary.cleanmarkerSize },
    ...{ state: stateOf(area.eraseSize, usedBytes, summary.cleanmarkerSize, dirtyBytes), summary: true },
  };
  return { report, nodes, obsoleteNodes: 0 };
}

function isTreeNode(node: Jffs2Node): node is TreeNode {
  return node.kind === 'dirent' || node.kind === 'inode' || node.kind === 'xattr' || node.kind === 'xref';
}

function nodeText(found: Jffs2Node | NodeFault): string {
  return found.kind === 'fault' ? `no good node (${found.reason})` : found.kind;
}

function stateOf(eraseSize: number, used: number, cleanmarker: number, dirty: number): BlockState {
  if (used === cleanmarker && used > 0 && dirty === 0) return 'free';
  if (used <= cleanmarker) return 'all-dirty';
  return eraseSize - used <= CLEAN_SLACK ? 'clean' : 'partly-dirty';
}

/** One walk through a block, node by node. */
class BlockWalk {
  readonly #area: ScanArea;
  readonly #offset: number;
  readonly #end: number;
  readonly #nodes: TreeNode[] = [];
  #used = 0;
  #dirty = 0;
  #free = 0;
  #obsolete = 0;
  #cleanmarker = 0;
  #refusal: string | undefined;

  constructor(area: ScanArea, offset: number, end: number) {
    this.#area = area;
    this.#offset = offset;
    this.#end = end;
  }

  run(): BlockScan {
    const { bytes, view, endian, eraseSize } = this.#area;
    let at = this.#offset;
    while (at < this.#end) {
      const behindForeign = this.#foreign(at);
      if (behindForeign > at) {
        at = behindForeign;
        continue;
      }
      const found = parseNode(bytes, at, this.#end, endian, view);
      if (found.kind === 'fault' && found.reason === 'erased') at = this.#erased(at);
      else at += Math.max(1, found.kind === 'fault' ? this.#fault(found) : this.#node(found));
    }
    // What the image lacks at its end, and the padding of a last node that was cut off.
    this.#free += eraseSize - (this.#used + this.#dirty + this.#free);
    return {
      report: {
        ...{ offset: this.#offset, usedBytes: this.#used, dirtyBytes: this.#dirty, freeBytes: this.#free },
        ...{ cleanmarkerSize: this.#cleanmarker, summary: false },
        state: stateOf(eraseSize, this.#used, this.#cleanmarker, this.#dirty),
      },
      nodes: this.#nodes,
      obsoleteNodes: this.#obsolete,
      ...(this.#refusal === undefined ? {} : { refusal: this.#refusal }),
    };
  }

  /** Skips words that cannot start a node, 4 bytes at a time as Linux does; returns where the walk goes on. */
  #foreign(from: number): number {
    const { bytes, view, endian, problems } = this.#area;
    const little = endian === 'little';
    let at = from;
    while (
      at + HEADER_SIZE <= this.#end &&
      view.getUint16(at, little) !== MAGIC &&
      view.getInt32(at) !== -1
    ) {
      at += 4;
    }
    if (at === from) return at;
    // Linux does not look at a rest that is too short for a header.
    if (at + HEADER_SIZE > this.#end) at = this.#end;
    this.#dirty += at - from;
    if (from === this.#offset && view.getUint16(from, little) === MAGIC_SWAPPED) {
      problems.add({ kind: 'wrong-endian', offset: from, text: 'node in the other byte order' });
    } else if (!isZero(bytes.subarray(from, at))) {
      // Zeros are the ordinary padding of a flushed write buffer.
      const text = `${at - from} bytes that are no JFFS2 nodes`;
      problems.add({ kind: 'foreign-bytes', offset: from, text });
    }
    return at;
  }

  /** Handles an erased run; returns where the walk goes on. */
  #erased(at: number): number {
    const { view, problems } = this.#area;
    const onlyCleanmarker = this.#cleanmarker > 0 && at === this.#offset + padToNode(this.#cleanmarker);
    if (onlyCleanmarker && erasedUntil(view, at, this.#offset + CLEAN_SPAN) >= this.#offset + CLEAN_SPAN) {
      this.#free += this.#end - at;
      return this.#end;
    }
    const runEnd = erasedUntil(view, at, this.#end);
    if (runEnd >= this.#end) {
      this.#free += this.#end - at;
      return this.#end;
    }
    // Linux takes the run as dirt and reads on behind it.
    const next = runEnd - ((runEnd - this.#offset) % NODE_ALIGNMENT);
    this.#dirty += next - at;
    const text = `${next - at} erased bytes, then more nodes in the block`;
    problems.add({ kind: 'erased-gap', offset: at, text });
    return next;
  }

  #node(node: Jffs2Node): number {
    const length = Math.min(padToNode(node.totlen), this.#end - node.nodeOffset);
    if (!node.accurate) {
      this.#obsolete += 1;
      this.#dirty += length;
    } else if (isTreeNode(node)) {
      this.#nodes.push(node);
      this.#used += length;
    } else if (node.kind === 'cleanmarker') {
      this.#marker(node, length);
    } else {
      if (node.kind === 'unknown') this.#unknown(node);
      this.#dirty += length;
    }
    return length;
  }

  #marker(node: Jffs2Node, length: number): void {
    if (node.nodeOffset === this.#offset) {
      this.#cleanmarker = node.totlen;
      this.#used += length;
      return;
    }
    const text = 'cleanmarker inside an erase block: the image was made for a smaller erase size';
    this.#area.problems.add({ kind: 'cleanmarker', offset: node.nodeOffset, text });
    this.#dirty += length;
  }

  #unknown(node: Jffs2Node): void {
    const type = `0x${node.nodetype.toString(16).padStart(4, '0')}`;
    const compat = node.nodetype & compatMask;
    if (compat === compatClasses.incompat) this.#refusal = `node of unknown type ${type} forbids mounting`;
    const text = `node of unknown type ${type}: ${compatText(compat)}`;
    this.#area.problems.add({ kind: 'unknown-node', offset: node.nodeOffset, text });
  }

  #fault(fault: NodeFault): number {
    const { problems, bytes } = this.#area;
    const { nodeOffset: offset, reason } = fault;
    const length = Math.min(fault.span, this.#end - offset);
    this.#dirty += length;
    switch (reason) {
      case 'overrun': {
        const text =
          'a node runs over the end of its erase block: cut image, or made for a larger erase size';
        problems.add({ kind: 'wrong-erase-size', offset, text });
        break;
      }
      case 'node-crc':
      case 'name-crc':
      case 'length':
      case 'header-crc':
        problems.add({ kind: 'bad-node', offset, text: `node with a bad ${faultText[reason]}, left out` });
        break;
      default:
        // Too few bytes for a header: erased ones are ordinary at the end of a full block.
        if (!bytes.subarray(offset, offset + length).every((byte) => byte === 0xff || byte === 0)) {
          problems.add({ kind: 'foreign-bytes', offset, text: `${length} bytes that are no JFFS2 nodes` });
        }
    }
    return length;
  }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

const faultText = {
  'node-crc': 'checksum',
  'name-crc': 'name checksum',
  'header-crc': 'header checksum',
  length: 'length for its type',
} as const;

function compatText(compat: number): string {
  if (compat === compatClasses.incompat) return 'a driver must refuse the mount';
  if (compat === compatClasses.rocompat) return 'a driver mounts read-only';
  return compat === compatClasses.rwcompatCopy
    ? 'garbage collection keeps it'
    : 'garbage collection drops it';
}
