/** Writes single inode nodes and dirents for a mounted volume, and files them. */
import { bytesOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { NodeRef } from './mount-block.js';
import type { DataNode } from './mount-fragments.js';
import { modeOfType } from './mount-inode.js';
import type { LiveInode } from './mount-inode.js';
import { stateByRange } from './mount-load.js';
import type { Volume } from './mount-volume.js';
import type { Priority } from './mount-write.js';
import { encodeDevice } from './node-device.js';
import { encodeDirent, encodeInode } from './node-encode.js';
import {
  comprNumbers,
  DIRENT_SIZE,
  INODE_SIZE,
  SUMMARY_DIRENT_SIZE,
  SUMMARY_INODE_SIZE,
} from './node-layout.js';

/** On whose behalf a node is written. */
export type WrittenFor = Priority | 'collector';

/** What an inode node says of the content; attributes come from the inode. */
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

/** Reserves space for one node. */
export function reserveFor(volume: Volume, who: WrittenFor, size: number, entrySize: number): number {
  return who === 'collector'
    ? volume.writer.reserveForCollector(size, entrySize)
    : volume.writer.reserve(size, who, entrySize);
}

/** Writes an inode node into reserved space; the caller lays it over the fragments or keeps it as metadata. */
export function writeInode(volume: Volume, live: LiveInode, part: ContentPart, who: WrittenFor): DataNode {
  const { mode, uid, gid, atime, mtime, ctime, record } = live;
  const { offset, dsize, isize, compr, data } = part;
  const version = part.version ?? live.highestVersion + 1;
  const bytes = encodeInode(
    { ino: record.ino, version, mode, uid, gid, isize, atime, mtime, ctime, offset, dsize, compr },
    data,
    volume.rules.endian,
  );
  const ref = volume.writer.write(
    {
      bytes,
      state: stateByRange(offset, dsize, isize),
      owner: record,
      entry: { kind: 'inode', ino: record.ino, version, totlen: bytes.length },
    },
    () => reserveFor(volume, who, bytes.length, SUMMARY_INODE_SIZE),
  );
  live.highestVersion = Math.max(live.highestVersion, version);
  return { ref, offset, size: dsize, fragments: 0 };
}

/** Data that the metadata node of an inode carries: a symlink's target, a device's number. */
export function metadataContent(volume: Volume, live: LiveInode): Uint8Array {
  switch (live.mode & 0o170000) {
    case modeOfType('symlink'):
      return bytesOf(live.target);
    case modeOfType('char'):
    case modeOfType('block'):
      return encodeDevice(live.rdev, volume.rules.endian);
    default:
      return noData;
  }
}

/** Reserves and writes a node that holds the attributes; replaces the one before. */
export function writeMetadata(volume: Volume, live: LiveInode, isize: number, who: WrittenFor): void {
  const data = metadataContent(volume, live);
  reserveFor(volume, who, INODE_SIZE + data.length, SUMMARY_INODE_SIZE);
  const part = { offset: 0, dsize: data.length, isize, compr: comprNumbers.none, data };
  setMetadata(volume, live, writeInode(volume, live, part, who));
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
  directory: LiveInode,
  name: NameToWrite,
  who: WrittenFor,
): NodeRef {
  const entrySize = SUMMARY_DIRENT_SIZE + name.name.length;
  reserveFor(volume, who, DIRENT_SIZE + name.name.length, entrySize);
  const version = directory.highestVersion + 1;
  const pino = directory.record.ino;
  const bytes = encodeDirent({ pino, version, ...name }, volume.rules.endian);
  const { ino, type } = name;
  const ref = volume.writer.write(
    {
      bytes,
      state: ino === 0 ? 'normal' : 'pristine',
      owner: directory.record,
      entry: { kind: 'dirent', pino, version, ino, type, name: name.name, totlen: bytes.length },
    },
    () => reserveFor(volume, who, bytes.length, entrySize),
  );
  directory.highestVersion = version;
  const lost = directory.names.add({ name: name.name, ino, type, version, ref });
  if (lost) volume.space.markObsolete(lost);
  return ref;
}
