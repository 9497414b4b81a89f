/** The names of a directory in memory: listing them, adding and taking away one. */
import type { ByteString } from '../../core/index.js';
import { FsError } from '../errno.js';
import type { DirectoryEntry, FileType, Ino } from '../file-system.js';
import type { FileSystemCall } from './faults.js';
import { touchInode } from './inode.js';
import type { MemoryDirectory, MemoryInode } from './inode.js';

/** Lists at most `limit` names behind `cookie`, in cookie order. */
export function listDirectory(
  directory: MemoryDirectory,
  typeOf: (ino: Ino) => FileType,
  cookie: number,
  limit: number,
): readonly DirectoryEntry[] {
  const listing = wholeListing(directory, typeOf);
  if (cookie === 0 && limit >= listing.length) return listing;
  const start = firstAfter(listing, cookie);
  return listing.slice(start, start + limit);
}

function wholeListing(directory: MemoryDirectory, typeOf: (ino: Ino) => FileType): readonly DirectoryEntry[] {
  if (directory.listing) return directory.listing;
  const listing: DirectoryEntry[] = [];
  for (const [name, { ino, cookie }] of directory.entries) {
    listing.push({ name, ino, type: typeOf(ino), cookie });
  }
  directory.listing = listing;
  return listing;
}

/** First index whose cookie is above `cookie`; the listing ascends. */
function firstAfter(listing: readonly DirectoryEntry[], cookie: number): number {
  let [low, high] = [0, listing.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((listing[middle]?.cookie ?? Infinity) <= cookie) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Refuses a name that is taken; FsError EEXIST, or ENOENT in a removed directory that is still held. */
export function checkAbsent(directory: MemoryDirectory, name: ByteString, call: FileSystemCall): void {
  if (directory.entries.has(name)) throw new FsError('EEXIST', call, name);
  if (directory.nlink === 0) throw new FsError('ENOENT', call, name);
}

/** Finds a name that must be there; FsError ENOENT. */
export function existingEntry(directory: MemoryDirectory, name: ByteString, call: FileSystemCall): Ino {
  const entry = directory.entries.get(name);
  if (!entry) throw new FsError('ENOENT', call, name);
  return entry.ino;
}

/** Gives an object a name that is not there yet. */
export function addEntry(
  directory: MemoryDirectory,
  name: ByteString,
  inode: MemoryInode,
  nowNs: bigint,
): void {
  directory.entries.set(name, { ino: inode.ino, cookie: directory.nextCookie++ });
  directory.whiteouts?.delete(name);
  if (inode.type === 'directory') directory.nlink += 1;
  else inode.nlink += 1;
  touchInode(directory, nowNs);
}

/** Takes a name away; the links of its object are for the caller to count. */
export function removeEntry(directory: MemoryDirectory, name: ByteString, nowNs: bigint): void {
  directory.entries.delete(name);
  touchInode(directory, nowNs);
}
