/**
 * Extended attributes of a mounted volume: shared name/value pairs (datums) and their ties to inodes (references).
 *
 * A replaced attribute leaves no mark on flash, a removed one leaves a reference with the delete bit; both as Linux does
 * (6.1 fs/jffs2/xattr.c).
 */
import { byteString } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { FsError } from '../vfs/index.js';
import type { XattrMode } from '../vfs/index.js';
import type { NodeOwner, NodeRef } from './mount-block.js';
import type { InodeRecord } from './mount-inode.js';
import type { Space } from './mount-space.js';
import type { NodeWriter } from './mount-write.js';
import { encodeXattr, encodeXref } from './node-encode.js';
import { padToNode, SUMMARY_XATTR_SIZE, SUMMARY_XREF_SIZE, XATTR_SIZE, XREF_SIZE } from './node-layout.js';
import { parseNode, xattrBody } from './node-parse.js';

/** A name and a value, which any number of inodes may share. */
export interface XattrDatum extends NodeOwner {
  readonly kind: 'xattr';
  readonly xid: number;
  version: number;
  /** Read from flash when first needed. */
  body: { readonly xprefix: number; readonly name: ByteString; readonly value: Uint8Array } | undefined;
  references: number;
  dead: boolean;
}

/** A tie of a datum to an inode. Its first node is the valid one. */
export interface XattrRef extends NodeOwner {
  readonly kind: 'xref';
  readonly ino: number;
  readonly xid: number;
  xseqno: number;
  datum: XattrDatum | undefined;
}

/** Bit of xseqno that unties. */
const DELETED = 1;

/** All attributes of a volume. */
export class XattrStore {
  readonly #space: Space;
  readonly #datums = new Map<number, XattrDatum>();
  #scanned: XattrRef[] = [];
  #highestXid = 0;
  #highestSeqno = 0;
  /** Live datums by content, to share them. */
  readonly #byContent = new Map<string, XattrDatum>();

  constructor(space: Space) {
    this.#space = space;
  }

  /** Takes the node of a datum that a scan found. */
  addDatum(xid: number, version: number): { readonly datum: XattrDatum; readonly newest: boolean } {
    let datum = this.#datums.get(xid);
    const newest = !datum || version >= datum.version;
    if (!datum) {
      datum = { kind: 'xattr', nodes: [], xid, version, body: undefined, references: 0, dead: false };
      this.#datums.set(xid, datum);
    }
    if (newest) datum.version = version;
    this.#highestXid = Math.max(this.#highestXid, xid);
    return { datum, newest };
  }

  /** Takes a reference that a scan found; its node is linked by the caller, with the result as owner. */
  addRef(ino: number, xid: number, xseqno: number): XattrRef {
    const ref: XattrRef = { kind: 'xref', nodes: [], ino, xid, xseqno, datum: undefined };
    this.#scanned.push(ref);
    this.#highestSeqno = Math.max(this.#highestSeqno, xseqno & ~DELETED);
    return ref;
  }

  /** Ties references to inodes after a scan. */
  build(inodes: ReadonlyMap<number, InodeRecord>): void {
    const merged = new Map<string, XattrRef>();
    for (const ref of this.#scanned) {
      const key = `${ref.ino}:${ref.xid}`;
      const other = merged.get(key);
      if (!other) {
        merged.set(key, ref);
        continue;
      }
      const newer = ref.xseqno > other.xseqno ? ref : other;
      const older = newer === ref ? other : ref;
      // Nodes point to their owner: the merged reference takes over those of the older one.
      newer.nodes.push(...older.nodes.map((node) => this.#handOver(node, newer)));
      merged.set(key, newer);
    }
    this.#scanned = [];
    for (const ref of merged.values()) {
      if ((ref.xseqno & DELETED) !== 0) continue;
      const datum = this.#datums.get(ref.xid);
      const record = inodes.get(ref.ino);
      if (!datum || !record || record.nlink === 0) {
        ref.xseqno |= DELETED;
        continue;
      }
      ref.datum = datum;
      datum.references += 1;
      record.xattrs.push(ref);
    }
    for (const datum of this.#datums.values()) if (datum.references === 0) datum.dead = true;
  }

  #handOver(node: NodeRef, owner: XattrRef): NodeRef {
    const { block } = node;
    const moved: NodeRef = { ...node, owner };
    block.nodes[block.nodes.indexOf(node)] = moved;
    return moved;
  }

  /** Checks one datum that was not checked since the mount; false when none is left. */
  checkOne(): boolean {
    for (const datum of this.#datums.values()) {
      if (!datum.nodes.some((node) => node.state === 'unchecked')) continue;
      const valid = this.#load(datum) !== undefined;
      for (const node of [...datum.nodes])
        if (valid) this.#space.markChecked(node, node === datum.nodes[0] ? 'pristine' : 'normal');
        else if (node.state === 'unchecked') this.#space.markObsolete(node);
      return true;
    }
    return false;
  }

  #load(datum: XattrDatum): XattrDatum['body'] {
    if (datum.body) return datum.body;
    const ref = datum.nodes[0];
    if (!ref) return undefined;
    const bytes = this.#space.read(ref.block.offset + ref.offset, ref.length);
    const node = parseNode(bytes, 0, bytes.length, this.#space.endian);
    if (node.kind !== 'xattr') return undefined;
    const body = xattrBody(bytes, node);
    if (!body || body.name.includes('\0')) return undefined;
    datum.body = { xprefix: node.xprefix, ...body };
    if (!datum.dead) this.#byContent.set(contentKey(node.xprefix, body.name, body.value), datum);
    return datum.body;
  }

  /** Finds the references of an inode whose value can be read, with doubles and damaged ones dropped. */
  #refs(record: InodeRecord): readonly XattrRef[] {
    if (record.xattrsChecked) return record.xattrs;
    const byName = new Map<string, XattrRef>();
    for (const ref of [...record.xattrs]) {
      const body = ref.datum && this.#load(ref.datum);
      if (!body) {
        this.#drop(record, ref);
        continue;
      }
      const key = `${body.xprefix}:${body.name}`;
      const other = byName.get(key);
      if (other) this.#drop(record, other.xseqno > ref.xseqno ? ref : other);
      if (!other || other.xseqno <= ref.xseqno) byName.set(key, ref);
    }
    record.xattrsChecked = true;
    return record.xattrs;
  }

  /** Unties in memory only, as Linux does for a reference that another replaces. */
  #drop(record: InodeRecord, ref: XattrRef): void {
    record.xattrs = record.xattrs.filter((other) => other !== ref);
    ref.xseqno |= DELETED;
    this.#release(ref.datum);
  }

  #release(datum: XattrDatum | undefined): void {
    if (!datum) return;
    datum.references -= 1;
    if (datum.references > 0) return;
    datum.dead = true;
    if (datum.body) this.#byContent.delete(contentKey(datum.body.xprefix, datum.body.name, datum.body.value));
  }

  /** Gives prefix, name and value of every attribute of an inode. */
  list(record: InodeRecord): readonly NonNullable<XattrDatum['body']>[] {
    return this.#refs(record).flatMap((ref) => ref.datum?.body ?? []);
  }

  get(record: InodeRecord, xprefix: number, name: ByteString): Uint8Array | undefined {
    return this.#find(record, xprefix, name)?.datum?.body?.value.slice();
  }

  #find(record: InodeRecord, xprefix: number, name: ByteString): XattrRef | undefined {
    return this.#refs(record).find(
      ({ datum }) => datum?.body?.xprefix === xprefix && datum.body.name === name,
    );
  }

  /** Sets an attribute: the datum, unless the same one is known, then the reference. */
  set(
    writer: NodeWriter,
    record: InodeRecord,
    xprefix: number,
    name: ByteString,
    value: Uint8Array,
    mode: XattrMode,
  ): void {
    const old = this.#find(record, xprefix, name);
    if (old && mode === 'create') throw new FsError('EEXIST', 'setxattr');
    if (!old && mode === 'replace') throw new FsError('ENODATA', 'setxattr');
    const request = padToNode(XATTR_SIZE + name.length + 1 + value.length);
    if (request > this.#space.eraseSize - this.#space.cleanmarkerSize || name.length > 255)
      throw new FsError('ERANGE', 'setxattr');
    writer.reserve(request, 'normal', SUMMARY_XATTR_SIZE);
    const datum = this.#shared(writer, xprefix, name, value);
    writer.complete();
    let ref: XattrRef;
    try {
      writer.reserve(XREF_SIZE, 'normal', SUMMARY_XREF_SIZE);
      ref = { kind: 'xref', nodes: [], ino: record.ino, xid: datum.xid, xseqno: 0, datum };
      this.#writeRef(writer, ref, 'normal');
    } catch (error) {
      this.#release(datum);
      throw error;
    }
    record.xattrs = [ref, ...record.xattrs];
    if (old) this.#drop(record, old);
    writer.complete();
  }

  /** Finds or writes a datum, and counts one more reference to it. */
  #shared(writer: NodeWriter, xprefix: number, name: ByteString, value: Uint8Array): XattrDatum {
    const key = contentKey(xprefix, name, value);
    const known = this.#byContent.get(key);
    if (known) {
      known.references += 1;
      return known;
    }
    const datum: XattrDatum = {
      kind: 'xattr',
      nodes: [],
      xid: this.#highestXid + 1,
      version: 0,
      body: { xprefix, name, value: value.slice() },
      references: 1,
      dead: false,
    };
    this.#writeDatum(writer, datum, 'normal');
    this.#highestXid += 1;
    this.#datums.set(datum.xid, datum);
    this.#byContent.set(key, datum);
    return datum;
  }

  /** Removes an attribute: its reference is written again, with the delete bit. */
  remove(writer: NodeWriter, record: InodeRecord, xprefix: number, name: ByteString): void {
    const ref = this.#find(record, xprefix, name);
    if (!ref) throw new FsError('ENODATA', 'removexattr');
    writer.reserve(padToNode(XATTR_SIZE + name.length + 1), 'normal', SUMMARY_XATTR_SIZE);
    ref.xseqno |= DELETED;
    try {
      this.#writeRef(writer, ref, 'normal');
    } catch (error) {
      ref.xseqno &= ~DELETED;
      throw error;
    }
    record.xattrs = record.xattrs.filter((other) => other !== ref);
    this.#release(ref.datum);
    writer.complete();
  }

  /** Unties all attributes of an inode that is gone. */
  dropAll(record: InodeRecord): void {
    for (const ref of [...record.xattrs]) this.#drop(record, ref);
  }

  /** Moves the node of a datum out of the way of an erase. */
  collectDatum(writer: NodeWriter, datum: XattrDatum, node: NodeRef): void {
    if (
      datum.nodes.find((other) => other.state !== 'obsolete') === node &&
      !datum.dead &&
      this.#load(datum)
    ) {
      const { name, value } = datum.body ?? { name: byteString(new Uint8Array()), value: new Uint8Array() };
      const size = XATTR_SIZE + name.length + 1 + value.length;
      writer.reserveForCollector(padToNode(size), SUMMARY_XATTR_SIZE);
      this.#writeDatum(writer, datum, 'collector');
    }
    this.#space.markObsolete(node);
  }

  /** Moves the node of a reference; a deletion goes when it is the last node of its reference. */
  collectRef(writer: NodeWriter, ref: XattrRef, node: NodeRef): void {
    const needless = (ref.xseqno & DELETED) !== 0 && ref.nodes.length === 1;
    if (ref.nodes[0] === node && !needless) {
      writer.reserveForCollector(XREF_SIZE, SUMMARY_XREF_SIZE);
      this.#writeRef(writer, ref, 'collector');
    }
    this.#space.markObsolete(node);
  }

  /** Forgets a datum whose last node was erased. */
  forget(owner: NodeOwner): void {
    if (owner.kind !== 'xattr' || owner.nodes.length > 0) return;
    for (const [xid, datum] of this.#datums) if (datum === owner && datum.dead) this.#datums.delete(xid);
  }

  #writeDatum(writer: NodeWriter, datum: XattrDatum, by: 'normal' | 'collector'): void {
    const { body, xid } = datum;
    if (!body) throw new FsError('EIO', 'setxattr');
    datum.version += 1;
    const bytes = encodeXattr({ xid, version: datum.version, ...body }, this.#space.endian);
    const entry = { kind: 'xattr', xid, version: datum.version, totlen: bytes.length } as const;
    writer.write({ bytes, state: 'pristine', owner: datum, entry }, () =>
      by === 'normal'
        ? writer.reserve(bytes.length, 'normal', SUMMARY_XATTR_SIZE)
        : writer.reserveForCollector(bytes.length, SUMMARY_XATTR_SIZE),
    );
  }

  #writeRef(writer: NodeWriter, ref: XattrRef, by: 'normal' | 'collector'): void {
    const { ino, xid } = ref;
    this.#highestSeqno += 2;
    ref.xseqno = this.#highestSeqno | (ref.xseqno & DELETED);
    const bytes = encodeXref({ ino, xid, xseqno: ref.xseqno }, this.#space.endian);
    writer.write({ bytes, state: 'pristine', owner: ref, entry: { kind: 'xref' } }, () =>
      by === 'normal'
        ? writer.reserve(XREF_SIZE, 'normal', SUMMARY_XREF_SIZE)
        : writer.reserveForCollector(XREF_SIZE, SUMMARY_XREF_SIZE),
    );
  }
}

function contentKey(xprefix: number, name: ByteString, value: Uint8Array): string {
  return `${xprefix}:${name.length}:${name}${byteString(value)}`;
}
