/**
 * The summary at the end of an erase block: a list of the nodes before it, so that a mount need not scan the block.
 *
 * A valid summary is believed blindly by Linux: a node it does not list is lost. So the writer lists every node, and
 * the parser refuses anything that does not add up.
 */
import { byteString, bytesOf, crc32Raw } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { putHeader } from './encode.js';
import {
  ACCURATE,
  HEADER_SIZE,
  headerLayout,
  MAGIC,
  nodeTypes,
  readFields,
  SUMMARY_CRC_SPAN,
  SUMMARY_DIRENT_SIZE,
  SUMMARY_INODE_SIZE,
  SUMMARY_MARKER_MAGIC,
  SUMMARY_MARKER_SIZE,
  SUMMARY_SIZE,
  SUMMARY_XATTR_SIZE,
  SUMMARY_XREF_SIZE,
  summaryDirentLayout,
  summaryInodeLayout,
  summaryLayout,
  summaryMarkerLayout,
  summaryXattrLayout,
  summaryXrefLayout,
  viewOf,
  writeFields,
} from './layout.js';
import type { Endian } from './layout.js';

/** What a summary says of one node; `offset` counts from the start of the block. */
export type SummaryEntry =
  | {
      readonly kind: 'inode';
      readonly ino: number;
      readonly version: number;
      readonly offset: number;
      readonly totlen: number;
    }
  | {
      readonly kind: 'dirent';
      readonly pino: number;
      readonly version: number;
      readonly ino: number;
      readonly type: number;
      readonly name: ByteString;
      readonly offset: number;
      readonly totlen: number;
    }
  | {
      readonly kind: 'xattr';
      readonly xid: number;
      readonly version: number;
      readonly offset: number;
      readonly totlen: number;
    }
  | { readonly kind: 'xref'; readonly offset: number };

/** A summary as it was read. */
export interface Summary {
  readonly entries: readonly SummaryEntry[];
  /** Size of the cleanmarker at the start of the block; 0: none. */
  readonly cleanmarkerSize: number;
  /** Bytes in padding nodes of the block. */
  readonly padded: number;
  /** Where the summary node starts, from the start of the block. */
  readonly offset: number;
}

/** Bytes that a summary takes in a block besides its entries. */
export const SUMMARY_OVERHEAD = SUMMARY_SIZE + SUMMARY_MARKER_SIZE;

/** Returns the bytes that an entry takes in a summary. */
export function summaryEntrySize(entry: SummaryEntry): number {
  switch (entry.kind) {
    case 'inode':
      return SUMMARY_INODE_SIZE;
    case 'dirent':
      return SUMMARY_DIRENT_SIZE + entry.name.length;
    case 'xattr':
      return SUMMARY_XATTR_SIZE;
    case 'xref':
      return SUMMARY_XREF_SIZE;
  }
}

/**
 * Encodes the summary of a block: from `offset` (a multiple of 4) to the end of the block.
 *
 * @param eraseSize size of the block; the entries and 40 bytes must fit behind `offset`
 */
export function encodeSummary(
  summary: Omit<Summary, 'padded'> & { readonly padded?: number },
  eraseSize: number,
  endian: Endian,
): Uint8Array {
  const node = new Uint8Array(eraseSize - summary.offset).fill(0xff);
  const view = putHeader(node, nodeTypes.summary, endian);
  let at = SUMMARY_SIZE;
  for (const entry of summary.entries) at = putEntry(node, view, at, entry, endian);
  const marker = { offset: summary.offset, magic: SUMMARY_MARKER_MAGIC };
  writeFields(summaryMarkerLayout, view, node.length - SUMMARY_MARKER_SIZE, marker, endian);
  const fields = {
    sumNum: summary.entries.length,
    clnMkr: summary.cleanmarkerSize,
    padded: summary.padded ?? 0,
    sumCrc: crc32Raw(node.subarray(SUMMARY_SIZE)),
  };
  writeFields(summaryLayout, view, 0, fields, endian);
  writeFields(summaryLayout, view, 0, { nodeCrc: crc32Raw(node.subarray(0, SUMMARY_CRC_SPAN)) }, endian);
  return node;
}

function putEntry(node: Uint8Array, view: DataView, at: number, entry: SummaryEntry, endian: Endian): number {
  const nodetype = nodeTypes[entry.kind];
  switch (entry.kind) {
    case 'inode':
      writeFields(summaryInodeLayout, view, at, { nodetype, ...entry }, endian);
      break;
    case 'dirent': {
      const { pino, version, ino, type, offset, totlen } = entry;
      const fields = { nodetype, pino, version, ino, type, offset, totlen, nsize: entry.name.length };
      writeFields(summaryDirentLayout, view, at, fields, endian);
      node.set(bytesOf(entry.name), at + SUMMARY_DIRENT_SIZE);
      break;
    }
    case 'xattr':
      writeFields(summaryXattrLayout, view, at, { nodetype, ...entry }, endian);
      break;
    case 'xref':
      writeFields(summaryXrefLayout, view, at, { nodetype, ...entry }, endian);
      break;
  }
  return at + summaryEntrySize(entry);
}

/** Why a block's summary is not used. */
export type SummaryFault =
  'none' | 'offset' | 'header' | 'node-crc' | 'sum-crc' | 'entries' | 'unknown-entry';

/**
 * Parses the summary of one erase block.
 *
 * @param block the whole block
 * @returns the summary; `none` when there is no marker, else why it cannot be trusted (the block is then scanned)
 */
export function parseSummary(block: Uint8Array, endian: Endian): Summary | SummaryFault {
  if (block.length < SUMMARY_OVERHEAD) return 'none';
  const view = viewOf(block);
  const marker = readFields(summaryMarkerLayout, view, block.length - SUMMARY_MARKER_SIZE, endian);
  if (marker.magic !== SUMMARY_MARKER_MAGIC) return 'none';
  const start = marker.offset;
  if (start > block.length - SUMMARY_OVERHEAD) return 'offset';
  const header = readFields(headerLayout, view, start, endian);
  const forced = new Uint8Array(HEADER_SIZE);
  writeFields(headerLayout, viewOf(forced), 0, { ...header, nodetype: nodeTypes.summary }, endian);
  if (
    header.magic !== MAGIC ||
    (header.nodetype | ACCURATE) !== nodeTypes.summary ||
    header.totlen !== block.length - start ||
    crc32Raw(forced.subarray(0, HEADER_SIZE - 4)) !== header.hdrCrc
  ) {
    return 'header';
  }
  const fields = readFields(summaryLayout, view, start, endian);
  if (crc32Raw(block.subarray(start, start + SUMMARY_CRC_SPAN)) !== fields.nodeCrc) return 'node-crc';
  if (crc32Raw(block.subarray(start + SUMMARY_SIZE)) !== fields.sumCrc) return 'sum-crc';
  const entries = parseEntries(block, view, start, fields.sumNum, endian);
  if (typeof entries === 'string') return entries;
  return { entries, cleanmarkerSize: fields.clnMkr, padded: fields.padded, offset: start };
}

function parseEntries(
  block: Uint8Array,
  view: DataView,
  summaryOffset: number,
  count: number,
  endian: Endian,
): SummaryEntry[] | SummaryFault {
  const end = block.length - SUMMARY_MARKER_SIZE;
  const entries: SummaryEntry[] = [];
  let at = summaryOffset + SUMMARY_SIZE;
  for (let i = 0; i < count; i++) {
    if (at + SUMMARY_XREF_SIZE > end) return 'entries';
    const entry = parseEntry(block, view, at, end, endian);
    if (typeof entry === 'string') return entry;
    const totlen = entry.kind === 'xref' ? 0 : entry.totlen;
    if (entry.offset + totlen > summaryOffset || entry.offset % 4 !== 0) return 'entries';
    entries.push(entry);
    at += summaryEntrySize(entry);
  }
  return entries;
}

function parseEntry(
  block: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  endian: Endian,
): SummaryEntry | SummaryFault {
  switch (view.getUint16(at, endian === 'little')) {
    case nodeTypes.inode: {
      if (at + SUMMARY_INODE_SIZE > end) return 'entries';
      const { ino, version, offset, totlen } = readFields(summaryInodeLayout, view, at, endian);
      return { kind: 'inode', ino, version, offset, totlen };
    }
    case nodeTypes.dirent: {
      if (at + SUMMARY_DIRENT_SIZE > end) return 'entries';
      const fields = readFields(summaryDirentLayout, view, at, endian);
      const nameEnd = at + SUMMARY_DIRENT_SIZE + fields.nsize;
      if (nameEnd > end) return 'entries';
      const { pino, version, ino, type, offset, totlen } = fields;
      const name = byteString(block.subarray(at + SUMMARY_DIRENT_SIZE, nameEnd));
      return { kind: 'dirent', pino, version, ino, type, name, offset, totlen };
    }
    case nodeTypes.xattr: {
      if (at + SUMMARY_XATTR_SIZE > end) return 'entries';
      const { xid, version, offset, totlen } = readFields(summaryXattrLayout, view, at, endian);
      return { kind: 'xattr', xid, version, offset, totlen };
    }
    case nodeTypes.xref: {
      const { offset } = readFields(summaryXrefLayout, view, at, endian);
      return { kind: 'xref', offset };
    }
    default:
      return 'unknown-entry';
  }
}
