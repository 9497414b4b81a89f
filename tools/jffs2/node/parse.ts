/**
 * Reads single nodes: checks magic, header CRC, length, node CRC and name CRC, in the order of the Linux scan.
 *
 * Nothing is thrown: flash is full of torn and foreign bytes, and the caller decides what each fault means. File data
 * is not checked here (`inodeDataIsValid` does), as the kernel leaves that to the first reading of the inode.
 */
import { byteString, crc32Raw } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import type { DirentFields, InodeFields, XrefFields } from './encode.js';
import {
  ACCURATE,
  DIRENT_CRC_SPAN,
  DIRENT_SIZE,
  direntLayout,
  HEADER_SIZE,
  headerLayout,
  INODE_CRC_SPAN,
  INODE_SIZE,
  inodeLayout,
  MAGIC,
  MAGIC_OLD,
  MAGIC_SWAPPED,
  nodeTypes,
  padToNode,
  readFields,
  viewOf,
  XATTR_CRC_SPAN,
  XATTR_SIZE,
  xattrLayout,
  XREF_CRC_SPAN,
  XREF_SIZE,
  xrefLayout,
} from './layout.js';
import type { Endian } from './layout.js';

/** Where a node stands, and what its header says. */
export interface NodePlace {
  /** From the start of the bytes that were parsed. */
  readonly nodeOffset: number;
  /** Exact length, header included; the next node starts at the next multiple of four. */
  readonly totlen: number;
  /** `nodetype` with ACCURATE set, whether it is or not. */
  readonly nodetype: number;
  /** False for a node that was made obsolete in place. */
  readonly accurate: boolean;
}

/** A name in a directory, or its deletion, with its place. */
/** A name in a directory, or its deletion. */
export interface DirentNode extends NodePlace, DirentFields {
  readonly kind: 'dirent';
}

/** A version of an inode with its piece of data, with its place. */
/** Metadata of an inode and a range of its content; the stored data is read with `inodeData`. */
export interface InodeNode extends NodePlace, Required<InodeFields> {
  readonly kind: 'inode';
  readonly csize: number;
  readonly dataCrc: number;
}

/** An attribute; its name (without prefix) and value are read with `xattrBody`. */
export interface XattrNode extends NodePlace {
  readonly kind: 'xattr';
  readonly xid: number;
  readonly version: number;
  readonly xprefix: number;
  readonly nameLen: number;
  readonly valueLen: number;
  readonly dataCrc: number;
}

/** An attribute given to an inode, with its place. */
/** A tie of an attribute to an inode. */
export interface XrefNode extends NodePlace, XrefFields {
  readonly kind: 'xref';
}

/** A node of which only the header counts here; `unknown` is one whose type has no meaning for us. */
export interface BareNode extends NodePlace {
  readonly kind: 'cleanmarker' | 'padding' | 'summary' | 'unknown';
}

/** Any node, told apart by `kind`. */
/** Any node whose checksums are good. */
export type Jffs2Node = DirentNode | InodeNode | XattrNode | XrefNode | BareNode;

/** Why there is no node at an offset. Up to `overrun` the length is not to be trusted; after it, it is. */
export type NodeFaultReason =
  | 'short'
  | 'erased'
  | 'zero'
  | 'swapped-magic'
  | 'old-magic'
  | 'bad-magic'
  | 'header-crc'
  | 'overrun'
  | 'node-crc'
  | 'name-crc'
  | 'length';

/** What was found instead of a node; `span` is how far the scan of Linux steps on. */
export interface NodeFault {
  readonly kind: 'fault';
  readonly reason: NodeFaultReason;
  readonly nodeOffset: number;
  readonly span: number;
  /** What the header claims to be, where the header is good. */
  readonly nodetype?: number;
}

/**
 * Parses the node at `nodeOffset`.
 *
 * @param end where the erase block ends: a node never reaches beyond
 */
export function parseNode(
  bytes: Uint8Array,
  nodeOffset: number,
  end: number,
  endian: Endian,
  view: DataView = viewOf(bytes),
): Jffs2Node | NodeFault {
  const limit = Math.min(end, bytes.length);
  if (nodeOffset + HEADER_SIZE > limit) return fault('short', nodeOffset, limit - nodeOffset);
  const little = endian === 'little';
  const magic = view.getUint16(nodeOffset, little);
  if (magic !== MAGIC) {
    if (view.getUint32(nodeOffset, little) === 0xffffffff) return fault('erased', nodeOffset, 4);
    if (magic === MAGIC_SWAPPED) return fault('swapped-magic', nodeOffset, 4);
    if (magic === MAGIC_OLD) return fault('old-magic', nodeOffset, 4);
    return fault(magic === 0 ? 'zero' : 'bad-magic', nodeOffset, 4);
  }
  const header = readFields(headerLayout, view, nodeOffset, endian);
  const accurate = (header.nodetype & ACCURATE) !== 0;
  if (nodeCrcOf(bytes, nodeOffset, HEADER_SIZE - 4, accurate, endian) !== header.hdrCrc) {
    return fault('header-crc', nodeOffset, 4);
  }
  const nodetype = header.nodetype | ACCURATE;
  const { totlen } = header;
  if (totlen < HEADER_SIZE || nodeOffset + totlen > limit) {
    return { kind: 'fault', reason: 'overrun', nodeOffset, span: 4, nodetype };
  }
  return parseBody(bytes, view, { nodeOffset, totlen, nodetype, accurate }, endian);
}

/** Reads a header alone; undefined when it is not good. For passes that need no more than the borders of nodes. */
export function parseHeader(
  bytes: Uint8Array,
  nodeOffset: number,
  endian: Endian,
  view: DataView,
): NodePlace | undefined {
  const little = endian === 'little';
  if (nodeOffset + HEADER_SIZE > bytes.length || view.getUint16(nodeOffset, little) !== MAGIC)
    return undefined;
  const { nodetype, totlen, hdrCrc } = readFields(headerLayout, view, nodeOffset, endian);
  const accurate = (nodetype & ACCURATE) !== 0;
  if (nodeCrcOf(bytes, nodeOffset, HEADER_SIZE - 4, accurate, endian) !== hdrCrc) return undefined;
  if (totlen < HEADER_SIZE || nodeOffset + totlen > bytes.length) return undefined;
  return { nodeOffset, totlen, nodetype: nodetype | ACCURATE, accurate };
}

function parseBody(
  bytes: Uint8Array,
  view: DataView,
  place: NodePlace,
  endian: Endian,
): Jffs2Node | NodeFault {
  const { nodeOffset, totlen, nodetype, accurate } = place;
  const bad = (reason: NodeFaultReason): NodeFault => ({
    kind: 'fault',
    reason,
    nodeOffset,
    span: padToNode(totlen),
    nodetype,
  });
  const crcOf = (span: number): number => nodeCrcOf(bytes, nodeOffset, span, accurate, endian);
  switch (nodetype) {
    case nodeTypes.inode: {
      if (totlen < INODE_SIZE) return bad('length');
      const { nodeCrc, ...fields } = readFields(inodeLayout, view, nodeOffset, endian);
      if (crcOf(INODE_CRC_SPAN) !== nodeCrc) return bad('node-crc');
      return { kind: 'inode', ...place, ...fields };
    }
    case nodeTypes.dirent: {
      if (totlen < DIRENT_SIZE) return bad('length');
      const { nodeCrc, nameCrc, nsize, ...fields } = readFields(direntLayout, view, nodeOffset, endian);
      if (crcOf(DIRENT_CRC_SPAN) !== nodeCrc) return bad('node-crc');
      if (totlen < DIRENT_SIZE + nsize) return bad('length');
      const name = bytes.subarray(nodeOffset + DIRENT_SIZE, nodeOffset + DIRENT_SIZE + nsize);
      if (crc32Raw(name) !== nameCrc) return bad('name-crc');
      return { kind: 'dirent', ...place, ...fields, name: byteString(name) };
    }
    case nodeTypes.xattr: {
      if (totlen < XATTR_SIZE) return bad('length');
      const { nodeCrc, ...fields } = readFields(xattrLayout, view, nodeOffset, endian);
      if (crcOf(XATTR_CRC_SPAN) !== nodeCrc) return bad('node-crc');
      if (totlen !== padToNode(XATTR_SIZE + fields.nameLen + 1 + fields.valueLen)) return bad('length');
      return { kind: 'xattr', ...place, ...fields };
    }
    case nodeTypes.xref: {
      if (totlen !== XREF_SIZE) return bad('length');
      const { nodeCrc, ...fields } = readFields(xrefLayout, view, nodeOffset, endian);
      if (crcOf(XREF_CRC_SPAN) !== nodeCrc) return bad('node-crc');
      return { kind: 'xref', ...place, ...fields };
    }
    case nodeTypes.cleanmarker:
      return { kind: 'cleanmarker', ...place };
    case nodeTypes.padding:
      return { kind: 'padding', ...place };
    case nodeTypes.summary:
      return { kind: 'summary', ...place };
    default:
      return { kind: 'unknown', ...place };
  }
}

/** Computes a checksum over the start of a node as it was while the node was live. */
function nodeCrcOf(
  bytes: Uint8Array,
  nodeOffset: number,
  span: number,
  accurate: boolean,
  endian: Endian,
): number {
  const stored = bytes.subarray(nodeOffset, nodeOffset + span);
  if (accurate) return crc32Raw(stored);
  const live = stored.slice();
  const highByte = endian === 'little' ? 3 : 2;
  live[highByte] = (live[highByte] ?? 0) | (ACCURATE >> 8);
  return crc32Raw(live);
}

function fault(reason: NodeFaultReason, nodeOffset: number, span: number): NodeFault {
  return { kind: 'fault', reason, nodeOffset, span };
}

/** Returns the stored data of an inode node: a view of `bytes`, cut where the bytes end. */
export function inodeData(bytes: Uint8Array, node: InodeNode): Uint8Array {
  const start = node.nodeOffset + INODE_SIZE;
  return bytes.subarray(start, start + node.csize);
}

/** Tells whether an inode node's length agrees with its data size, and its data with their checksum. */
export function inodeDataIsValid(bytes: Uint8Array, node: InodeNode): boolean {
  // Linux compares rounded lengths; a csize beyond the node would read the neighbour's bytes.
  if (padToNode(INODE_SIZE + node.csize) !== padToNode(node.totlen)) return false;
  return crc32Raw(inodeData(bytes, node)) === node.dataCrc;
}

/** Reads name (without prefix) and value of an xattr node; undefined when their checksum is wrong. */
export function xattrBody(
  bytes: Uint8Array,
  node: XattrNode,
): { readonly name: ByteString; readonly value: Uint8Array } | undefined {
  const start = node.nodeOffset + XATTR_SIZE;
  const body = bytes.subarray(start, start + node.nameLen + 1 + node.valueLen);
  if (crc32Raw(body) !== node.dataCrc) return undefined;
  return { name: byteString(body.subarray(0, node.nameLen)), value: body.slice(node.nameLen + 1) };
}
