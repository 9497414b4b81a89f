/**
 * Extended attributes of a mounted volume: shared name/value pairs (datums) and their ties to inodes (references).
 *
 * A replaced attribute leaves no mark on flash, a removed one leaves a reference with the delete bit; both as Linux does
 * (6.1 fs/jffs2/xattr.c).
 */
import { byteString } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { FsError } from '../../vfs/index.js';
import type { Operation, Task, XattrMode } from '../../vfs/index.js';
import type { NodeOwner, NodeRef } from './block.js';
import type { InodeRecord } from './inode.js';
import { locked, readStep, volumeLock, whileLocked } from './locks.js';
import type { Space } from './space.js';
import type { NodeWriter } from './write.js';
import { DELETED, XattrNodes } from './xattr-nodes.js';
import type { XattrDatum, XattrRef } from './xattr-nodes.js';
import { padToNode, SUMMARY_XATTR_SIZE, SUMMARY_XREF_SIZE, XATTR_SIZE, XREF_SIZE } from '../node/layout.js';
import { parseNode, xattrBody } from '../node/parse.js';

/** All attributes of a volume. */
export class XattrStore {
  readonly #lock = volumeLock('attributes');
  readonly #space: Space;
  readonly #nodes: XattrNodes;
  readonly #datums = new Map<number, XattrDatum>();
  #scanned: XattrRef[] = [];
  #highestXid = 0;
  /** Live datums by content, to share them. */
  readonly #byContent = new Map<string, XattrDatum>();

  constructor(space: Space) {
    this.#space = space;
    this.#nodes = new XattrNodes(space, this.#lock);
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
    this.#nodes.seen(xseqno);
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
  checkOne(task: Task): Operation<boolean> {
    return locked(task, this.#lock, () => this.#checkOne(task));
  }

  *#checkOne(task: Task): Operation<boolean> {
    for (const datum of this.#datums.values()) {
      if (!datum.nodes.some((node) => node.state === 'unchecked')) continue;
      const valid = (yield* this.#load(task, datum)) !== undefined;
      for (const node of [...datum.nodes])
        if (valid) this.#space.markChecked(node, node === datum.nodes[0] ? 'pristine' : 'normal');
        else if (node.state === 'unchecked') this.#space.markObsolete(node);
      return true;
    }
    return false;
  }

  *#load(task: Task, datum: XattrDatum): Operation<XattrDatum['body']> {
    if (datum.body) return datum.body;
    const ref = datum.nodes[0];
    if (!ref) return undefined;
    if (task.stops) yield readStep;
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
  *#refs(task: Task, record: InodeRecord): Operation<readonly XattrRef[]> {
    if (record.xattrsChecked) return record.xattrs;
    const byName = new Map<string, XattrRef>();
    for (const ref of [...record.xattrs]) {
      const body = ref.datum && (yield* this.#load(task, ref.datum));
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
  *list(task: Task, record: InodeRecord): Operation<readonly NonNullable<XattrDatum['body']>[]> {
    const refs = yield* locked(task, this.#lock, () => this.#refs(task, record));
    return refs.flatMap((ref) => ref.datum?.body ?? []);
  }

  /** Gives prefix, name and value of every attribute that is tied to an inode. */
  inUse(task: Task): Operation<readonly NonNullable<XattrDatum['body']>[]> {
    return locked(task, this.#lock, () => this.#inUse(task));
  }

  *#inUse(task: Task): Operation<readonly NonNullable<XattrDatum['body']>[]> {
    const bodies: NonNullable<XattrDatum['body']>[] = [];
    for (const datum of this.#datums.values()) {
      const body = datum.dead ? undefined : yield* this.#load(task, datum);
      if (body) bodies.push(body);
    }
    return bodies;
  }

  *get(
    task: Task,
    record: InodeRecord,
    xprefix: number,
    name: ByteString,
  ): Operation<Uint8Array | undefined> {
    const ref = yield* locked(task, this.#lock, () => this.#find(task, record, xprefix, name));
    return ref?.datum?.body?.value.slice();
  }

  *#find(
    task: Task,
    record: InodeRecord,
    xprefix: number,
    name: ByteString,
  ): Operation<XattrRef | undefined> {
    return (yield* this.#refs(task, record)).find(
      ({ datum }) => datum?.body?.xprefix === xprefix && datum.body.name === name,
    );
  }

  /** Sets an attribute: the datum, unless the same one is known, then the reference. */
  *set(
    writer: NodeWriter,
    task: Task,
    record: InodeRecord,
    attribute: NonNullable<XattrDatum['body']>,
    mode: XattrMode,
  ): Operation<void> {
    const { xprefix, name, value } = attribute;
    const old = yield* locked(task, this.#lock, () => this.#find(task, record, xprefix, name));
    if (old && mode === 'create') throw new FsError('EEXIST', 'setxattr');
    if (!old && mode === 'replace') throw new FsError('ENODATA', 'setxattr');
    const request = padToNode(XATTR_SIZE + name.length + 1 + value.length);
    if (request > this.#space.eraseSize - this.#space.cleanmarkerSize || name.length > 255)
      throw new FsError('ERANGE', 'setxattr');
    const datum = yield* this.#writing(writer, task, request, SUMMARY_XATTR_SIZE, () =>
      this.#shared(writer, task, attribute),
    );
    try {
      yield* this.#writing(writer, task, XREF_SIZE, SUMMARY_XREF_SIZE, () =>
        this.#tie(writer, task, record, datum, old),
      );
    } catch (error) {
      if (error instanceof FsError) yield* whileLocked(task, this.#lock, () => this.#release(datum));
      throw error;
    }
  }

  /** Reserves space and runs `body`, which writes one node, with the attributes locked. */
  *#writing<T>(
    writer: NodeWriter,
    task: Task,
    size: number,
    entrySize: number,
    body: () => Operation<T>,
  ): Operation<T> {
    yield* writer.reserve(task, size, 'normal', entrySize);
    try {
      return yield* locked(task, this.#lock, body);
    } finally {
      writer.complete(task);
    }
  }

  *#tie(
    writer: NodeWriter,
    task: Task,
    record: InodeRecord,
    datum: XattrDatum,
    old: XattrRef | undefined,
  ): Operation<void> {
    const ref: XattrRef = { kind: 'xref', nodes: [], ino: record.ino, xid: datum.xid, xseqno: 0, datum };
    yield* this.#nodes.writeRef(writer, task, ref, 'normal');
    record.xattrs = [ref, ...record.xattrs];
    if (old) this.#drop(record, old);
  }

  /** Finds or writes a datum, and counts one more reference to it. */
  *#shared(
    writer: NodeWriter,
    task: Task,
    { xprefix, name, value }: NonNullable<XattrDatum['body']>,
  ): Operation<XattrDatum> {
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
    yield* this.#nodes.writeDatum(writer, task, datum, 'normal');
    this.#highestXid += 1;
    this.#datums.set(datum.xid, datum);
    this.#byContent.set(key, datum);
    return datum;
  }

  /** Removes an attribute: its reference is written again, with the delete bit. */
  *remove(
    writer: NodeWriter,
    task: Task,
    record: InodeRecord,
    xprefix: number,
    name: ByteString,
  ): Operation<void> {
    const ref = yield* locked(task, this.#lock, () => this.#find(task, record, xprefix, name));
    if (!ref) throw new FsError('ENODATA', 'removexattr');
    const request = padToNode(XATTR_SIZE + name.length + 1);
    yield* this.#writing(writer, task, request, SUMMARY_XATTR_SIZE, () =>
      this.#untie(writer, task, record, ref),
    );
  }

  *#untie(writer: NodeWriter, task: Task, record: InodeRecord, ref: XattrRef): Operation<void> {
    ref.xseqno |= DELETED;
    try {
      yield* this.#nodes.writeRef(writer, task, ref, 'normal');
    } catch (error) {
      ref.xseqno &= ~DELETED;
      throw error;
    }
    record.xattrs = record.xattrs.filter((other) => other !== ref);
    this.#release(ref.datum);
  }

  /** Unties all attributes of an inode that is gone. */
  dropAll(task: Task, record: InodeRecord): Operation<void> {
    return whileLocked(task, this.#lock, () => {
      for (const ref of [...record.xattrs]) this.#drop(record, ref);
    });
  }

  /** Moves the node of a datum out of the way of an erase. */
  collectDatum(writer: NodeWriter, task: Task, datum: XattrDatum, node: NodeRef): Operation<void> {
    return locked(task, this.#lock, () => this.#moveDatum(writer, task, datum, node));
  }

  *#moveDatum(writer: NodeWriter, task: Task, datum: XattrDatum, node: NodeRef): Operation<void> {
    const isValid = datum.nodes.find((other) => other.state !== 'obsolete') === node;
    const body = isValid && !datum.dead ? yield* this.#load(task, datum) : undefined;
    if (body) {
      const size = XATTR_SIZE + body.name.length + 1 + body.value.length;
      yield* writer.reserveForCollector(task, padToNode(size), SUMMARY_XATTR_SIZE);
      yield* this.#nodes.writeDatum(writer, task, datum, 'collector');
    }
    this.#space.markObsolete(node);
  }

  /** Moves the node of a reference; a deletion goes when it is the last node of its reference. */
  collectRef(writer: NodeWriter, task: Task, ref: XattrRef, node: NodeRef): Operation<void> {
    return locked(task, this.#lock, () => this.#moveRef(writer, task, ref, node));
  }

  *#moveRef(writer: NodeWriter, task: Task, ref: XattrRef, node: NodeRef): Operation<void> {
    const needless = (ref.xseqno & DELETED) !== 0 && ref.nodes.length === 1;
    if (ref.nodes[0] === node && !needless) {
      yield* writer.reserveForCollector(task, XREF_SIZE, SUMMARY_XREF_SIZE);
      yield* this.#nodes.writeRef(writer, task, ref, 'collector');
    }
    this.#space.markObsolete(node);
  }

  /** Forgets a datum whose last node was erased. */
  forget(owner: NodeOwner): void {
    if (owner.kind !== 'xattr' || owner.nodes.length > 0) return;
    for (const [xid, datum] of this.#datums) if (datum === owner && datum.dead) this.#datums.delete(xid);
  }
}

function contentKey(xprefix: number, name: ByteString, value: Uint8Array): string {
  return `${xprefix}:${name.length}:${name}${byteString(value)}`;
}
