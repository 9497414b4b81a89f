/**
 * Content of files: reading through the fragments, writing page by page, holes and truncation.
 *
 * What is written, in which order and with which ranges, follows the kernel (jffs2-format.md 12; Linux 6.1 fs/jffs2/file.c,
 * write.c): a power cut must leave the same states.
 */
import { FsError } from '../../vfs/index.js';
import type { Operation, Task } from '../../vfs/index.js';
import { compress, decompress } from '../compression/compression.js';
import type { DataNode } from './fragments.js';
import type { InodeAttributes, LiveInode } from './inode.js';
import { readInodeNode } from './load.js';
import { locked, readStep } from './locks.js';
import { metadataNeed, setMetadata, writeInode, writeMetadata, writing } from './node.js';
import type { WrittenFor } from './node.js';
import { MIN_DATA_LENGTH } from './space.js';
import type { Volume } from './volume.js';
import { comprNumbers, CPU_PAGE_SIZE, INODE_SIZE, SUMMARY_INODE_SIZE } from '../node/layout.js';
import { crc32Raw } from '../../core/index.js';

const noData = new Uint8Array();

/** Largest file: isize has 32 bits. */
export const MAX_FILE_SIZE = 0xffffffff;

/** A node with data takes at least this much. */
export const dataNeed = { size: INODE_SIZE + MIN_DATA_LENGTH, entrySize: SUMMARY_INODE_SIZE };
/** What a node without data takes. */
const holeNeed = { size: INODE_SIZE, entrySize: SUMMARY_INODE_SIZE };

/**
 * Reads a range that lies inside the file.
 *
 * @throws FsError EIO when a node's data does not decompress or match its checksum
 */
export function readContent(
  volume: Volume,
  task: Task,
  live: LiveInode,
  offset: number,
  length: number,
): Operation<Uint8Array> {
  const read = (): Operation<Uint8Array> => readLocked(volume, task, live, offset, length);
  return locked(task, live.record.content, read);
}

/** Reads a range while the content is locked. */
export function* readLocked(
  volume: Volume,
  task: Task,
  live: LiveInode,
  offset: number,
  length: number,
): Operation<Uint8Array> {
  const out = new Uint8Array(length);
  const end = offset + length;
  for (const fragment of live.fragments.between(offset, end)) {
    if (!fragment.node) continue;
    const start = Math.max(offset, fragment.offset);
    const stop = Math.min(end, fragment.offset + fragment.size);
    const { node } = fragment;
    const bytes = yield* readNodeData(volume, task, node, start - node.offset, stop - node.offset);
    if (bytes) out.set(bytes, start - offset);
  }
  return out;
}

/** Reads a part of a node's data; undefined for a hole. */
function* readNodeData(
  volume: Volume,
  task: Task,
  node: DataNode,
  from: number,
  to: number,
): Operation<Uint8Array | undefined> {
  const { parsed } = node.ref;
  const header = parsed?.kind === 'inode' ? parsed : yield* readInodeNode(volume, task, node.ref);
  if (!header) throw new FsError('EIO', 'read');
  if (header.compr === comprNumbers.zero) return undefined;
  const at = node.ref.block.offset + node.ref.offset + INODE_SIZE;
  if (task.stops) yield readStep;
  const stored = volume.space.read(at, header.csize);
  if (crc32Raw(stored) !== header.dataCrc) throw new FsError('EIO', 'read');
  const content = decompress(header.compr, stored, header.dsize);
  if (content.kind === 'fault') throw new FsError('EIO', 'read');
  return content.data.subarray(from, to);
}

/**
 * Writes into a file; grows it with a hole first when the range begins behind its end.
 *
 * @returns bytes written; less than asked for when space ran out on the way
 * @throws FsError ENOSPC when nothing could be written
 */
export function* writeContent(
  volume: Volume,
  task: Task,
  live: LiveInode,
  offset: number,
  data: Uint8Array,
): Operation<number> {
  let written = 0;
  while (written < data.length) {
    const at = offset + written;
    const part = data.subarray(written, written + CPU_PAGE_SIZE - (at % CPU_PAGE_SIZE));
    let count: number;
    try {
      if (at > live.size) yield* extendWithHole(volume, task, live, at);
      count = yield* writeInPage(volume, task, live, at, part);
    } catch (error) {
      if (written > 0 && error instanceof FsError) break;
      throw error;
    }
    written += count;
    if (count === 0) break;
  }
  return written;
}

/** Writes a part of one page: from a multiple of four, and the whole page when the write ends with it. */
function* writeInPage(
  volume: Volume,
  task: Task,
  live: LiveInode,
  offset: number,
  data: Uint8Array,
): Operation<number> {
  const page = offset - (offset % CPU_PAGE_SIZE);
  const end = offset + data.length;
  const start = end % CPU_PAGE_SIZE === 0 ? page : offset - (offset % 4);
  let whole = data;
  if (start < offset) {
    whole = new Uint8Array(end - start);
    const known = Math.min(offset, live.size);
    if (known > start) whole.set(yield* readContent(volume, task, live, start, known - start));
    whole.set(data, offset - start);
  }
  const written = yield* writeRange(volume, task, live, start, whole);
  const count = Math.max(0, written.length - (offset - start));
  if (count === 0 && written.error) throw written.error;
  return count;
}

/** Writes data nodes for a range that lies in one page, as many as the blocks ask for. */
function* writeRange(
  volume: Volume,
  task: Task,
  live: LiveInode,
  offset: number,
  data: Uint8Array,
): Operation<{ readonly length: number; readonly error?: FsError }> {
  const now = volume.now();
  let done = 0;
  while (done < data.length) {
    try {
      done += yield* writing(volume, task, live, 'normal', dataNeed, function* (room) {
        const from = offset + done;
        const attributes = { ...attributesOf(live), mtime: now, ctime: now };
        const part = { offset: from, data: data.subarray(done), isize: live.size };
        const count = yield* writeData(volume, task, live, part, room, 'normal', attributes);
        live.size = Math.max(live.size, from + count);
        return count;
      });
    } catch (error) {
      if (error instanceof FsError) return { length: done, error };
      throw error;
    }
  }
  return { length: done };
}

/** Writes one data node into reserved space; returns how much of the data it took. */
export function* writeData(
  volume: Volume,
  task: Task,
  live: LiveInode,
  { offset, data, isize }: { readonly offset: number; readonly data: Uint8Array; readonly isize: number },
  room: number,
  who: WrittenFor,
  attributes: InodeAttributes = live,
): Operation<number> {
  const stored = compress(data, Math.min(room - INODE_SIZE, data.length), volume.rules.compression);
  const { consumed } = stored;
  const reached = who === 'collector' ? isize : Math.max(isize, offset + consumed);
  const part = { offset, dsize: consumed, isize: reached, compr: stored.compr, data: stored.data };
  live.fragments.add(yield* writeInode(volume, task, live, part, who, attributes));
  if (live.metadata) setMetadata(volume, live, undefined);
  return consumed;
}

/** Makes the file longer: one hole node from the old size to the new. */
function extendWithHole(
  volume: Volume,
  task: Task,
  live: LiveInode,
  size: number,
  attributes?: InodeAttributes,
): Operation<void> {
  return writing(volume, task, live, 'normal', holeNeed, function* () {
    const part = {
      offset: live.size,
      dsize: size - live.size,
      isize: size,
      compr: comprNumbers.zero,
      data: noData,
    };
    live.fragments.add(yield* writeInode(volume, task, live, part, 'normal', attributes));
    if (live.metadata) setMetadata(volume, live, undefined);
    live.size = size;
  });
}

/** Sets the attributes, and the size unless it stays. */
export function* changeAttributes(
  volume: Volume,
  task: Task,
  live: LiveInode,
  attributes: InodeAttributes,
  size: number | undefined,
): Operation<void> {
  if (size !== undefined && size > live.size) {
    yield* extendWithHole(volume, task, live, size, attributes);
    return;
  }
  // A file that is emptied frees more than the node takes.
  const who = size === 0 ? 'deletion' : 'normal';
  yield* writing(volume, task, live, who, metadataNeed(volume, live), function* () {
    yield* writeMetadata(volume, task, live, size ?? live.size, who, attributes);
    if (size === undefined) return;
    live.size = size;
    live.fragments.truncate(size);
  });
}

/** Copies the attributes of an inode. */
export function attributesOf({ mode, uid, gid, atime, mtime, ctime }: LiveInode): InodeAttributes {
  return { mode, uid, gid, atime, mtime, ctime };
}
