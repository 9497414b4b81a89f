/** Reads a folder of the host as a tree, for comparing with tools that read folders. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { byteString, byteStringFromText } from '../../tools/core/index.js';
import type { ByteString } from '../../tools/core/index.js';
import { bytesContent, newDirectory } from '../../tools/vfs/index.js';
import type { TreeDirectory, TreeInode } from '../../tools/vfs/index.js';

/** Reads a folder with owners, modes, times, devices and hard links; file contents are read at once. */
export function readHostTree(folder: string): TreeDirectory {
  const inode = readInode(folder, new Map());
  if (inode?.type !== 'directory') throw new Error(`${folder} is no folder`);
  return inode;
}

function readInode(path: string, known: Map<string, TreeInode>): TreeInode | undefined {
  const stat = lstatSync(path, { bigint: true });
  const key = `${stat.dev}:${stat.ino}`;
  const seen = known.get(key);
  if (seen && !stat.isDirectory()) return seen;
  const common = {
    ...{ mode: Number(stat.mode) & 0o7777, uid: Number(stat.uid), gid: Number(stat.gid) },
    ...{ mtimeNs: stat.mtimeNs, xattrs: new Map<ByteString, Uint8Array>() },
  };
  const rdev = Number(stat.rdev);
  const device = { major: (rdev >> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00) };
  let inode: TreeInode;
  if (stat.isDirectory()) {
    const directory = newDirectory(common);
    for (const name of readdirSync(path)) {
      const child = readInode(join(path, name), known);
      if (child) directory.entries.set(byteStringFromText(name), child);
    }
    inode = directory;
  } else if (stat.isSymbolicLink()) {
    inode = { type: 'symlink', ...common, target: byteString(readlinkSync(path, 'buffer')) };
  } else if (stat.isFile())
    inode = { type: 'file', ...common, content: bytesContent(new Uint8Array(readFileSync(path))) };
  else if (stat.isCharacterDevice()) inode = { type: 'char', ...common, rdev: device };
  else if (stat.isBlockDevice()) inode = { type: 'block', ...common, rdev: device };
  else inode = { type: stat.isFIFO() ? 'fifo' : 'socket', ...common };
  known.set(key, inode);
  return inode;
}
