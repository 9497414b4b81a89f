/** A file system filled up: what users do most thoroughly. */
import { FsError, makeDirectories, writeAll, writeFile } from '../../vfs/index.js';
import { devicePath, findFile } from '../device-files.js';
import type { RunningSystem } from './system.js';

/** Bytes that do not compress and are the same every time: what fills a flash honestly. */
export function fillerBytes(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state & 0xff;
  }
  return bytes;
}

/**
 * Fills the file system with files of bytes that do not compress until it answers ENOSPC or `keepFree` is reached.
 *
 * @returns bytes that the files hold
 */
export function fillDevice(system: RunningSystem, folder: string, fileSize = 65536, keepFree = 0): number {
  makeDirectories(system.root, devicePath(folder));
  const filler = fillerBytes(fileSize);
  let total = 0;
  for (let i = 0; ; i += 1) {
    const { blockSize, blocksAvailable } = system.root.statfs();
    if (keepFree > 0 && blockSize * blocksAvailable <= keepFree) return total;
    const path = devicePath(`${folder}/fill-${String(i).padStart(5, '0')}`);
    try {
      const ino = writeFile(system.root, path, new Uint8Array());
      writeAll(system.root, ino, 0, filler);
    } catch (error) {
      if (!(error instanceof FsError) || error.code !== 'ENOSPC') throw error;
      const ino = findFile(system.root, path);
      return total + (ino === undefined ? 0 : system.root.getattr(ino).size);
    }
    total += fileSize;
  }
}
