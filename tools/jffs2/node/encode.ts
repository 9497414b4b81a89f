/** Makes the bytes of single nodes. Lengths, sizes and checksums are computed here; all else is the caller's. */
import { bytesOf, crc32Raw } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import {
  DIRENT_CRC_SPAN,
  DIRENT_SIZE,
  direntLayout,
  HEADER_SIZE,
  headerLayout,
  INODE_CRC_SPAN,
  INODE_SIZE,
  inodeLayout,
  MAGIC,
  nodeTypes,
  padToNode,
  viewOf,
  writeFields,
  XATTR_CRC_SPAN,
  XATTR_SIZE,
  xattrLayout,
  XREF_CRC_SPAN,
  XREF_SIZE,
  xrefLayout,
} from './layout.js';
import type { Endian } from './layout.js';

/** What a dirent says; `ino` 0 deletes the name. Times are seconds. */
export interface DirentFields {
  readonly pino: number;
  readonly version: number;
  readonly ino: number;
  /** Time given to the directory; 0 says nothing. */
  readonly mctime: number;
  /** Type of a directory entry, see dirent-type.ts; 0 for a deletion. */
  readonly type: number;
  readonly name: ByteString;
}

/** What an inode node says besides its stored data. Times are seconds, `mode` is the full st_mode. */
export interface InodeFields {
  readonly ino: number;
  readonly version: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Size of the file from this node on. */
  readonly isize: number;
  readonly atime: number;
  readonly mtime: number;
  readonly ctime: number;
  /** Where the data goes in the file. */
  readonly offset: number;
  /** Length of the data once decompressed. */
  readonly dsize: number;
  readonly compr: number;
  readonly usercompr?: number;
  readonly flags?: number;
}

/** One extended attribute, its name without the prefix. */
export interface XattrFields {
  readonly xid: number;
  readonly version: number;
  readonly xprefix: number;
  readonly name: ByteString;
  readonly value: Uint8Array;
}

/** A tie of an attribute to an inode; an odd `xseqno` unties. */
export interface XrefFields {
  readonly ino: number;
  readonly xid: number;
  readonly xseqno: number;
}

/** Encodes a dirent: 40 bytes and the name, unpadded. */
export function encodeDirent(fields: DirentFields, endian: Endian): Uint8Array {
  const name = bytesOf(fields.name);
  const node = new Uint8Array(DIRENT_SIZE + name.length);
  const view = putHeader(node, nodeTypes.dirent, endian);
  writeFields(direntLayout, view, 0, { ...named(fields), nsize: name.length }, endian);
  node.set(name, DIRENT_SIZE);
  const nodeCrc = crc32Raw(node.subarray(0, DIRENT_CRC_SPAN));
  writeFields(direntLayout, view, 0, { nodeCrc, nameCrc: crc32Raw(name) }, endian);
  return node;
}

function named(fields: DirentFields): Omit<DirentFields, 'name'> {
  const { pino, version, ino, mctime, type } = fields;
  return { pino, version, ino, mctime, type };
}

/** Encodes an inode node: 68 bytes and the stored (compressed) data, unpadded. */
export function encodeInode(fields: InodeFields, data: Uint8Array, endian: Endian): Uint8Array {
  const node = new Uint8Array(INODE_SIZE + data.length);
  const view = putHeader(node, nodeTypes.inode, endian);
  writeFields(inodeLayout, view, 0, fields, endian);
  writeFields(inodeLayout, view, 0, { csize: data.length }, endian);
  node.set(data, INODE_SIZE);
  const nodeCrc = crc32Raw(node.subarray(0, INODE_CRC_SPAN));
  writeFields(inodeLayout, view, 0, { nodeCrc, dataCrc: crc32Raw(data) }, endian);
  return node;
}

/** Encodes an xattr node, padded to a multiple of four with FF: only here the padding belongs to the node. */
export function encodeXattr(fields: XattrFields, endian: Endian): Uint8Array {
  const name = bytesOf(fields.name);
  const { xid, version, xprefix, value } = fields;
  const bodyLength = name.length + 1 + value.length;
  const node = new Uint8Array(padToNode(XATTR_SIZE + bodyLength)).fill(0xff);
  const view = putHeader(node, nodeTypes.xattr, endian);
  node.set(name, XATTR_SIZE);
  node[XATTR_SIZE + name.length] = 0;
  node.set(value, XATTR_SIZE + name.length + 1);
  const dataCrc = crc32Raw(node.subarray(XATTR_SIZE, XATTR_SIZE + bodyLength));
  const sizes = { nameLen: name.length, valueLen: value.length };
  writeFields(xattrLayout, view, 0, { xid, version, xprefix, ...sizes, dataCrc }, endian);
  writeFields(xattrLayout, view, 0, { nodeCrc: crc32Raw(node.subarray(0, XATTR_CRC_SPAN)) }, endian);
  return node;
}

/** Encodes an xref node: 28 bytes. */
export function encodeXref(fields: XrefFields, endian: Endian): Uint8Array {
  const node = new Uint8Array(XREF_SIZE);
  const view = putHeader(node, nodeTypes.xref, endian);
  writeFields(xrefLayout, view, 0, fields, endian);
  writeFields(xrefLayout, view, 0, { nodeCrc: crc32Raw(node.subarray(0, XREF_CRC_SPAN)) }, endian);
  return node;
}

/** Encodes a cleanmarker of `size` bytes (12 on NOR): header, then FF. */
export function encodeCleanmarker(size: number, endian: Endian): Uint8Array {
  const node = new Uint8Array(size).fill(0xff);
  putHeader(node, nodeTypes.cleanmarker, endian);
  return node;
}

/** Encodes a padding node of `size` bytes, at least 12: header, then zeros, as the write buffer of Linux does. */
export function encodePadding(size: number, endian: Endian): Uint8Array {
  const node = new Uint8Array(size);
  putHeader(node, nodeTypes.padding, endian);
  return node;
}

/** Writes the header of a node that takes all of `node`, and returns a view of it. */
export function putHeader(node: Uint8Array, nodetype: number, endian: Endian): DataView {
  const view = viewOf(node);
  writeFields(headerLayout, view, 0, { magic: MAGIC, nodetype, totlen: node.length }, endian);
  writeFields(headerLayout, view, 0, { hdrCrc: crc32Raw(node.subarray(0, HEADER_SIZE - 4)) }, endian);
  return view;
}
