/** Writes single inode nodes and dirents for a mounted volume, and files them. */
import { bytesOf } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { typeBits } from '../../vfs/index.js';
import type { Operation, Task } from '../../vfs/index.js';
import type { DataNode } from './fragments.js';
import type { InodeAttributes, LiveInode } from './inode.js';
import { stateByRange } from './load.js';
import { locked } from './locks.js';
import type { Volume } from './volume.js';
import type { EncodedNode, Priority } from './write.js';
import { encodeDevice } from '../node/device.js';
import { encodeDirent, encodeInode } from '../node/encode.js';
import {
  comprNumbers,
  DIRENT_SIZE,
  INODE_SIZE,
  SUMMARY_DIRENT_SIZE,
  SUMMARY_INODE_SIZE,
} from '../node/layout.js';

/** On whose behalf a node is written. */
export type WrittenFor = Priority | 'collector';

/** What an inode node says of the content. */
export interface ContentPart {
  readonly offset: number;
  readonly dsize: number;
  readonly isize: number;
  readonly compr: number;
  readonly data: Uint8Array;
  /** Kept version of a hole that collection moves; absent: the next one. */
  readonly version?: number;
}

const noData = new Uint8Array();

/** What a node needs: its size, and that of its entry in the summary. */
export interface NodeNeed {
  readonly size: number;
  readonly entrySize: number;
}

/**
 * Reserves space for one node of an inode and runs `body`, which writes it, with the inode's content locked. The collector
 * holds both locks already.
 *
 * @param body  is told how many bytes fit
 */
export function* writing<T>(
  volume: Volume,
  task: Task,
  live: LiveInode,
  who: WrittenFor,
  { size, entrySize }: NodeNeed,
  body: (room: number) => Operation<T>,
): Operation<T> {
  const { writer } = volume;
  if (who === 'collector') return yield* body(yield* writer.reserveForCollector(task, size, entrySize));
  const room = yield* writer.reserve(task, size, who, entrySize);
  try {
    return yield* locked(task, live.record.content, () => body(room));
  } finally {
    writer.complete(task);
  }
}

function reserveAgain(
  volume: Volume,
  task: Task,
  live: LiveInode,
  who: WrittenFor,
  { size, entrySize }: NodeNeed,
): Operation<number> {
  const { writer } = volume;
  return who === 'collector'
    ? writer.reserveForCollector(task, size, entrySize)
    : writer.reserveAgain(task, live.record.content, size, who, entrySize);
}

/**
 * Writes an inode node into reserved space; the caller lays it over the fragments or keeps it as metadata.
 *
 * @param attributes  what it says of the inode; taken over by the inode once it is written
 */
export function* writeInode(
  volume: Volume,
  task: Task,
  live: LiveInode,
  part: ContentPart,
  who: WrittenFor,
  attributes: InodeAttributes = live,
): Operation<DataNode> {
  const { record } = live;
  const { offset, dsize, isize, compr, data } = part;
  let version = 0;
  const encode = (): EncodedNode => {
    version = part.version ?? live.highestVersion + 1;
    const { mode, uid, gid, atime, mtime, ctime } = attributes;
    const { ino } = record;
    const fields = { ino, version, mode, uid, gid, isize, atime, mtime, ctime, offset, dsize, compr };
    const bytes = encodeInode(fields, data, volume.rules.endian);
    return { bytes, entry: { kind: 'inode', ino, version, totlen: bytes.length } };
  };
  const need = { size: INODE_SIZE + data.length, entrySize: SUMMARY_INODE_SIZE };
  const ref = yield* volume.writer.write(
    task,
    { state: stateByRange(offset, dsize, isize), owner: record, encode },
    () => reserveAgain(volume, task, live, who, need),
  );
  live.highestVersion = Math.max(live.highestVersion, version);
  if (attributes !== live) {
    const { mode, uid, gid, atime, mtime, ctime } = attributes;
    Object.assign(live, { mode, uid, gid, atime, mtime, ctime });
  }
  return { ref, offset, size: dsize, fragments: 0 };
}

/** Data that the metadata node of an inode carries: a symlink's target, a device's number. */
function metadataContent(volume: Volume, live: LiveInode): Uint8Array {
  switch (live.mode & 0o170000) {
    case typeBits.symlink:
      return bytesOf(live.target);
    case typeBits.char:
    case typeBits.block:
      return encodeDevice(live.rdev, volume.rules.endian);
    default:
      return noData;
  }
}

/**
 * Writes a node that holds the attributes into reserved space; replaces the one before.
 *
 * @see writeInode for `attributes`
 */
export function* writeMetadata(
  volume: Volume,
  task: Task,
  live: LiveInode,
  isize: number,
  who: WrittenFor,
  attributes: InodeAttributes = live,
): Operation<void> {
  const data = metadataContent(volume, live);
  const part = { offset: 0, dsize: data.length, isize, compr: comprNumbers.none, data };
  setMetadata(volume, live, yield* writeInode(volume, task, live, part, who, attributes));
}

/** Tells what a node that holds the attributes needs. */
export function metadataNeed(volume: Volume, live: LiveInode): NodeNeed {
  return { size: INODE_SIZE + metadataContent(volume, live).length, entrySize: SUMMARY_INODE_SIZE };
}

/** Keeps a node as the one that holds the attributes (undefined: a data node does now). */
export function setMetadata(volume: Volume, live: LiveInode, node: DataNode | undefined): void {
  const old = live.metadata;
  live.metadata = node;
  if (old) volume.space.markObsolete(old.ref);
}

/** A name to write; `ino` 0 deletes it. */
export interface NameToWrite {
  readonly name: ByteString;
  readonly ino: number;
  readonly type: number;
  readonly mctime: number;
}

/** Reserves and writes a dirent; the one of the same name before becomes obsolete. */
export function writeDirent(
  volume: Volume,
  task: Task,
  directory: LiveInode,
  name: NameToWrite,
  who: WrittenFor,
): Operation<void> {
  const size = DIRENT_SIZE + name.name.length;
  const need = { size, entrySize: SUMMARY_DIRENT_SIZE + name.name.length };
  return writing(volume, task, directory, who, need, function* () {
    const pino = directory.record.ino;
    const { ino, type } = name;
    let version = 0;
    const encode = (): EncodedNode => {
      version = directory.highestVersion + 1;
      const bytes = encodeDirent({ pino, version, ...name }, volume.rules.endian);
      const totlen = bytes.length;
      return { bytes, entry: { kind: 'dirent', pino, version, ino, type, name: name.name, totlen } };
    };
    const ref = yield* volume.writer.write(
      task,
      { state: ino === 0 ? 'normal' : 'pristine', owner: directory.record, encode },
      () => reserveAgain(volume, task, directory, who, need),
    );
    directory.highestVersion = version;
    if (who !== 'collector') directory.mtime = directory.ctime = name.mctime;
    const lost = directory.names.add({ name: name.name, ino, type, version, ref });
    if (lost) volume.space.markObsolete(lost);
  });
}
