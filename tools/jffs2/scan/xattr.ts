/** Extended attributes of a scanned area: newest node of each, newest reference of each inode. */
import { textOf } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { padToNode } from '../node/layout.js';
import { xattrBody } from '../node/parse.js';
import type { XattrNode, XrefNode } from '../node/parse.js';
import { decodeAcl, isAcl, joinXattrName } from '../node/xattr.js';
import type { ScanArea } from './block.js';

/** Attributes by id and references by inode. */
export interface XattrIndex {
  readonly attributes: ReadonlyMap<number, XattrNode>;
  /** Live references, the newest first. */
  readonly references: ReadonlyMap<number, readonly XrefNode[]>;
  /** Bytes of references, and of attributes they name, of the given inodes. */
  liveBytes(inos: ReadonlySet<number>): number;
}

/** Bit of `xseqno` that says that the reference was removed. */
const DELETED = 1;

/** Indexes the xattr and xref nodes of an area, given in the order of the scan. */
export function collectXattrs(
  area: ScanArea,
  xattrNodes: readonly XattrNode[],
  xrefNodes: readonly XrefNode[],
): XattrIndex {
  const attributes = new Map<number, XattrNode>();
  for (const node of xattrNodes) {
    const known = attributes.get(node.xid);
    if (!known || node.version >= known.version) attributes.set(node.xid, node);
  }
  const newest = new Map<string, XrefNode>();
  for (const node of xrefNodes) {
    const key = `${node.ino} ${node.xid}`;
    const known = newest.get(key);
    if (!known || node.xseqno >= known.xseqno) newest.set(key, node);
  }
  const references = new Map<number, XrefNode[]>();
  for (const node of newest.values()) {
    if (node.xseqno & DELETED) continue;
    if (!attributes.has(node.xid)) {
      const text = `attribute ${node.xid} of inode ${node.ino} is missing`;
      area.problems.add({ kind: 'xattr', offset: node.nodeOffset, text });
      continue;
    }
    const known = references.get(node.ino);
    if (known) known.push(node);
    else references.set(node.ino, [node]);
  }
  for (const list of references.values()) list.sort((a, b) => b.xseqno - a.xseqno);
  return { attributes, references, liveBytes: (inos) => liveBytes(attributes, references, inos) };
}

function liveBytes(
  attributes: ReadonlyMap<number, XattrNode>,
  references: ReadonlyMap<number, readonly XrefNode[]>,
  inos: ReadonlySet<number>,
): number {
  const named = new Set<XattrNode>();
  let bytes = 0;
  for (const [ino, list] of references) {
    if (!inos.has(ino)) continue;
    for (const reference of list) {
      bytes += padToNode(reference.totlen);
      const attribute = attributes.get(reference.xid);
      if (attribute) named.add(attribute);
    }
  }
  for (const attribute of named) bytes += padToNode(attribute.totlen);
  return bytes;
}

/** Reads the attributes of an inode; of two with the same name the newer reference counts. */
export function attributesOf(
  index: XattrIndex,
  ino: number,
  path: ByteString,
  area: ScanArea,
): Map<ByteString, Uint8Array> {
  const found = new Map<ByteString, Uint8Array>();
  for (const reference of index.references.get(ino) ?? []) {
    const node = index.attributes.get(reference.xid);
    if (!node) continue;
    const body = xattrBody(area.bytes, node);
    const name = body && joinXattrName(node.xprefix, body.name);
    const value = body && (isAcl(node.xprefix) ? decodeAcl(body.value, area.endian) : body.value);
    if (name === undefined || value === undefined) {
      const fault = body ? `unknown prefix ${node.xprefix}, or no ACL` : 'bad checksum';
      const text = `${textOf(path)}: attribute ${node.xid}: ${fault}, left out`;
      area.problems.add({ kind: 'xattr', offset: node.nodeOffset, path, text });
    } else if (!found.has(name)) found.set(name, value);
  }
  return found;
}
