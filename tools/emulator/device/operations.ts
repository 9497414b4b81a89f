/** What users do on the running system, as steps of scenarios and of the shell. */
import { FsError, makeDirectories, removeTree, writeAll, writeFile } from '../../vfs/index.js';
import { appendFile, devicePath, fileAt, findFile, parentOf } from './files.js';
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

/** Writes a whole file; folders above it are made. */
export function writeDeviceFile(system: RunningSystem, path: string, data: Uint8Array, mode?: number): void {
  const target = devicePath(path);
  const folder = path.slice(0, path.lastIndexOf('/'));
  if (folder !== '') makeDirectories(system.root, devicePath(folder));
  const ino = writeFile(system.root, target, data);
  if (mode !== undefined) system.root.setattr(ino, { mode });
}

/** Appends to a file. */
export function appendDeviceFile(system: RunningSystem, path: string, data: Uint8Array): void {
  appendFile(system.root, devicePath(path), data);
}

/** Removes a file, or with `recursive` a folder and all in it. */
export function removeDeviceFile(system: RunningSystem, path: string, recursive: boolean): void {
  const target = devicePath(path);
  const ino = fileAt(system.root, target, false);
  if (recursive) {
    removeTree(system.root, target);
    return;
  }
  const { directory, name } = parentOf(system.root, target);
  if (system.root.getattr(ino).type === 'directory') system.root.rmdir(directory, name);
  else system.root.unlink(directory, name);
}

/** Renames. */
export function moveDeviceFile(system: RunningSystem, from: string, to: string): void {
  const source = parentOf(system.root, devicePath(from));
  const target = parentOf(system.root, devicePath(to));
  system.root.rename(source.directory, source.name, target.directory, target.name);
}

/** Makes a folder. */
export function makeDeviceFolder(system: RunningSystem, path: string, parents: boolean, mode = 0o755): void {
  if (parents) {
    makeDirectories(system.root, devicePath(path), { mode, uid: 0, gid: 0 });
    return;
  }
  const { directory, name } = parentOf(system.root, devicePath(path));
  system.root.mkdir(directory, name, { mode, uid: 0, gid: 0 });
}

/** Changes permission bits. */
export function changeDeviceMode(system: RunningSystem, path: string, mode: number): void {
  system.root.setattr(fileAt(system.root, devicePath(path)), { mode });
}

/** Makes a link; a symbolic one holds the target's text as it is. */
export function linkDeviceFile(system: RunningSystem, target: string, path: string, symbolic: boolean): void {
  const { directory, name } = parentOf(system.root, devicePath(path));
  if (symbolic) {
    system.root.symlink(directory, name, devicePath(target), { mode: 0o777, uid: 0, gid: 0 });
  } else {
    system.root.link(fileAt(system.root, devicePath(target), false), directory, name);
  }
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
