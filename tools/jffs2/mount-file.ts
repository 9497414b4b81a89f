/**
 * Content of files: reading through the fragments, writing page by page, holes and truncation.
 *
 * What is written, in which order and with which ranges, follows the kernel (jffs2-format.md 12; Linux 6.1 fs/jffs2/file.c,
 * write.c): a power cut must leave the same states.
 */
import { FsError } from '../vfs/index.js';
import { compress, decompress } from './compression.js';
import type { DataNode } from './mount-fragments.js';
import type { LiveInode } from './mount-inode.js';
import { readInodeNode } from './mount-load.js';
import { reserveFor, setMetadata, writeInode, writeMetadata } from './mount-node.js';
import type { WrittenFor } from './mount-node.js';
import { MIN_DATA_LENGTH } from './mount-space.js';
import type { Volume } from './mount-volume.js';
import { comprNumbers, CPU_PAGE_SIZE, INODE_SIZE, SUMMARY_INODE_SIZE } from './node-layout.js';
import { crc32Raw } from '../core/index.js';

const noData = new Uint8Array();

/** Largest file: isize has 32 bits. */
export const MAX_FILE_SIZE = 0xffffffff;

/**
 * Reads a range that lies inside the file.
 *
 * @throws FsError EIO when a node's data does not decompress or match its checksum
 */
export function readContent(volume: Volume, live: LiveInode, offset: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  const end = offset + length;
  for (const fragment of live.fragments.between(offset, end)) {
    if (!fragment.node) continue;
    const start = Math.max(offset, fragment.offset);
    const stop = Math.min(end, fragment.offset + fragment.size);
    const { node } = fragment;
    const bytes = readNodeData(volume, node, start - node.offset, stop - node.offset);
    if (bytes) out.set(bytes, start - offset);
  }
  return out;
}

/** Reads a part of a node's data; undefined for a hole. */
function readNodeData(volume: Volume, node: DataNode, from: number, to: number): Uint8Array | undefined {
  const header = readInodeNode(volume, node.ref);
  if (!header) throw new FsError('EIO', 'read');
  if (header.compr === comprNumbers.zero) return undefined;
  const at = node.ref.block.offset + node.ref.offset + INODE_SIZE;
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
export function writeContent(volume: Volume, live: LiveInode, offset: number, data: Uint8Array): number {
  let written = 0;
  while (written < data.length) {
    const at = offset + written;
    const part = data.subarray(written, written + CPU_PAGE_SIZE - (at % CPU_PAGE_SIZE));
    let count: number;
    try {
      if (at > live.size) extendWithHole(volume, live, at, 'normal');
      count = writeInPage(volume, live, at, part);
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
function writeInPage(volume: Volume, live: LiveInode, offset: number, data: Uint8Array): number {
  const page = offset - (offset % CPU_PAGE_SIZE);
  const end = offset + data.length;
  const start = end % CPU_PAGE_SIZE === 0 ? page : offset - (offset % 4);
  let whole = data;
  if (start < offset) {
    whole = new Uint8Array(end - start);
    const known = Math.min(offset, live.size);
    if (known > start) whole.set(readContent(volume, live, start, known - start));
    whole.set(data, offset - start);
  }
  const { mtime, ctime } = live;
  live.mtime = live.ctime = volume.now();
  const written = writeRange(volume, live, start, whole, Math.max(live.size, 0));
  const count = Math.max(0, written.length - (offset - start));
  if (count > 0) live.size = Math.max(live.size, offset + count);
  else Object.assign(live, { mtime, ctime });
  if (count === 0 && written.error) throw written.error;
  return count;
}

/** Writes data nodes for a range that lies in one page, as many as the blocks ask for. */
function writeRange(
  volume: Volume,
  live: LiveInode,
  offset: number,
  data: Uint8Array,
  isize: number,
): { readonly length: number; readonly error?: FsError } {
  let done = 0;
  while (done < data.length) {
    try {
      const room = reserveFor(volume, 'normal', INODE_SIZE + MIN_DATA_LENGTH, SUMMARY_INODE_SIZE);
      done += writeData(volume, live, offset + done, data.subarray(done), room, isize, 'normal');
    } catch (error) {
      if (error instanceof FsError) return { length: done, error };
      throw error;
    }
    volume.writer.complete();
  }
  return { length: done };
}

/** Writes one data node into reserved space; returns how much of the data it took. */
export function writeData(
  volume: Volume,
  live: LiveInode,
  offset: number,
  data: Uint8Array,
  room: number,
  isize: number,
  who: WrittenFor,
): number {
  const stored = compress(data, Math.min(room - INODE_SIZE, data.length), volume.rules.compression);
  const { consumed } = stored;
  const reached = who === 'collector' ? isize : Math.max(isize, offset + consumed);
  const part = { offset, dsize: consumed, isize: reached, compr: stored.compr, data: stored.data };
  live.fragments.add(writeInode(volume, live, part, who));
  if (live.metadata) setMetadata(volume, live, undefined);
  return consumed;
}

/** Makes the file longer: one hole node from the old size to the new. */
export function extendWithHole(volume: Volume, live: LiveInode, size: number, who: WrittenFor): void {
  reserveFor(volume, who, INODE_SIZE, SUMMARY_INODE_SIZE);
  const part = {
    offset: live.size,
    dsize: size - live.size,
    isize: size,
    compr: comprNumbers.zero,
    data: noData,
  };
  const node = writeInode(volume, live, part, who);
  live.fragments.add(node);
  if (live.metadata) setMetadata(volume, live, undefined);
  live.size = size;
  volume.writer.complete();
}

/** Sets the size, with the attributes that the inode has now. */
export function resize(volume: Volume, live: LiveInode, size: number): void {
  if (size > live.size) {
    extendWithHole(volume, live, size, 'normal');
    return;
  }
  // A file that is emptied frees more than the node takes.
  writeMetadata(volume, live, size, size === 0 ? 'deletion' : 'normal');
  live.size = size;
  live.fragments.truncate(size);
  volume.writer.complete();
}
