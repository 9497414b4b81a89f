// Scans a folder of the host into a tree of the compiled modules, owned by root.
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { byteStringFromText } from '../../dist/core/index.js';
import { newDirectory } from '../../dist/vfs/index.js';

export function treeFromFolder(folder, links = new Map()) {
  const directory = newDirectory({ mode: lstatSync(folder).mode & 0o7777 });
  for (const entry of readdirSync(folder)) {
    const path = `${folder}/${entry}`;
    const status = lstatSync(path);
    const inode = links.get(status.ino) ?? inodeOf(path, status, links);
    if (status.nlink > 1 && !status.isDirectory()) links.set(status.ino, inode);
    directory.entries.set(byteStringFromText(entry), inode);
  }
  return directory;
}

function inodeOf(path, status, links) {
  const common = { mode: status.mode & 0o7777, uid: 0, gid: 0, mtimeNs: 0n, xattrs: new Map() };
  if (status.isDirectory()) return treeFromFolder(path, links);
  if (status.isFile())
    return { type: 'file', ...common, content: { size: status.size, hostFile: { path, offset: 0 } } };
  if (status.isSymbolicLink())
    return { type: 'symlink', ...common, target: byteStringFromText(readlinkSync(path)) };
  if (status.isFIFO()) return { type: 'fifo', ...common };
  const rdev = { major: (status.rdev >>> 8) & 0xfff, minor: status.rdev & 0xff };
  return { type: status.isBlockDevice() ? 'block' : 'char', ...common, rdev };
}
