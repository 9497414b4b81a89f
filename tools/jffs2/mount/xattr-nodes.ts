/**
 * The nodes of extended attributes: what a datum and a reference are, and how each is written.
 *
 * Which ones there are, and what they mean to an inode, is in xattr.ts.
 */
import type { ByteString } from '../../core/index.js';
import { FsError } from '../../vfs/index.js';
import type { Lock, Operation, Task } from '../../vfs/index.js';
import type { NodeOwner } from './block.js';
import type { Space } from './space.js';
import type { EncodedNode, NodeWriter } from './write.js';
import { encodeXattr, encodeXref } from '../node/encode.js';
import { SUMMARY_XATTR_SIZE, SUMMARY_XREF_SIZE, XREF_SIZE } from '../node/layout.js';

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
export const DELETED = 1;

/** Writes the nodes of a volume's attributes, while these are locked. */
export class XattrNodes {
  readonly #space: Space;
  readonly #lock: Lock;
  #highestSeqno = 0;

  /** @param lock  of the attributes: it is let go while space is made */
  constructor(space: Space, lock: Lock) {
    this.#space = space;
    this.#lock = lock;
  }

  /** Takes note of the number of a reference that a scan found. */
  seen(xseqno: number): void {
    this.#highestSeqno = Math.max(this.#highestSeqno, xseqno & ~DELETED);
  }

  /** Writes a datum again, as the newest version of it. @throws FsError EIO when its value cannot be read */
  *writeDatum(
    writer: NodeWriter,
    task: Task,
    datum: XattrDatum,
    by: 'normal' | 'collector',
  ): Operation<void> {
    const { body, xid } = datum;
    if (!body) throw new FsError('EIO', 'setxattr');
    datum.version += 1;
    const { version } = datum;
    const bytes = encodeXattr({ xid, version, ...body }, this.#space.endian);
    const encode = (): EncodedNode => ({
      bytes,
      entry: { kind: 'xattr', xid, version, totlen: bytes.length },
    });
    yield* writer.write(task, { state: 'pristine', owner: datum, encode }, () =>
      this.#reserveAgain(writer, task, bytes.length, SUMMARY_XATTR_SIZE, by),
    );
  }

  /** Writes a reference again, as the newest of all. */
  *writeRef(writer: NodeWriter, task: Task, ref: XattrRef, by: 'normal' | 'collector'): Operation<void> {
    const { ino, xid } = ref;
    const encode = (): EncodedNode => {
      this.#highestSeqno += 2;
      ref.xseqno = this.#highestSeqno | (ref.xseqno & DELETED);
      const bytes = encodeXref({ ino, xid, xseqno: ref.xseqno }, this.#space.endian);
      return { bytes, entry: { kind: 'xref' } };
    };
    yield* writer.write(task, { state: 'pristine', owner: ref, encode }, () =>
      this.#reserveAgain(writer, task, XREF_SIZE, SUMMARY_XREF_SIZE, by),
    );
  }

  #reserveAgain(
    writer: NodeWriter,
    task: Task,
    size: number,
    entrySize: number,
    by: 'normal' | 'collector',
  ): Operation<number> {
    return by === 'normal'
      ? writer.reserveAgain(task, this.#lock, size, 'normal', entrySize)
      : writer.reserveForCollector(task, size, entrySize);
  }
}
