/** Takes installed packages out of a tree: their files, their lists, and the folders that this leaves empty. */
import { bytesContent } from '../vfs/index.js';
import type { TreeDirectory } from '../vfs/index.js';
import type { ByteString } from '../core/index.js';
import { apkDatabase, installedPackages, opkgFolder } from './installed-packages.js';
import type { InstalledPackage } from './installed-packages.js';
import type { RootWarning } from './root-tree.js';
import { findInode, findParent, namesOf, readTreeFile } from './tree-path.js';

/**
 * Removes packages by name. A file that another package lists too stays; what still depends on a removed package is
 * told as a warning.
 */
export function dropPackages(root: TreeDirectory, names: readonly string[]): RootWarning[] {
  const installed = installedPackages(root);
  const warnings: RootWarning[] = [];
  const dropped = new Set(names.filter((name) => installed.some((entry) => entry.name === name)));
  for (const name of names) {
    if (!dropped.has(name)) {
      warnings.push({
        code: 'package-not-installed',
        message: `package ${name} is not installed, so it is not dropped`,
      });
    }
  }
  const kept = installed.filter((entry) => !dropped.has(entry.name));
  for (const entry of kept) {
    for (const name of entry.dependencies.filter((dependency) => dropped.has(dependency))) {
      warnings.push({
        code: 'package-needed',
        message: `package ${entry.name} depends on ${name}, which is dropped`,
      });
    }
  }
  const needed = new Set(kept.flatMap((entry) => entry.files));
  for (const entry of installed.filter((candidate) => dropped.has(candidate.name))) {
    removeFiles(root, entry, needed);
  }
  rewriteLists(root, dropped);
  return warnings;
}

function removeFiles(root: TreeDirectory, entry: InstalledPackage, needed: ReadonlySet<ByteString>): void {
  const info = findInode(root, `${opkgFolder}/info` as ByteString);
  if (info?.type === 'directory') {
    for (const name of [...info.entries.keys()]) {
      if (name.startsWith(`${entry.name}.`) && !name.slice(entry.name.length + 1).includes('.'))
        info.entries.delete(name);
    }
  }
  for (const path of entry.files) {
    if (needed.has(path)) continue;
    const place = findParent(root, path);
    if (place === undefined || findInode(root, path)?.type === 'directory') continue;
    place.directory.entries.delete(place.name);
    removeEmptyFolders(root, path);
  }
}

/** Removes the folders above a removed file that are empty now, but none directly below the root. */
function removeEmptyFolders(root: TreeDirectory, path: ByteString): void {
  for (let names = namesOf(path).slice(0, -1); names.length > 1; names = names.slice(0, -1)) {
    const folder = `/${names.join('/')}` as ByteString;
    const inode = findInode(root, folder);
    if (inode?.type !== 'directory' || inode.entries.size > 0) return;
    const place = findParent(root, folder);
    place?.directory.entries.delete(place.name);
  }
}

function rewriteLists(root: TreeDirectory, dropped: ReadonlySet<string>): void {
  for (const [path, field] of [
    [`${opkgFolder}/status`, 'Package: '],
    [apkDatabase, 'P:'],
  ] as const) {
    const text = readTreeFile(root, path)?.toString('latin1');
    const inode = findInode(root, path as ByteString);
    if (text === undefined || inode?.type !== 'file') continue;
    const blocks = text.split(/(?<=\n\n)/);
    const kept = blocks.filter((block) => {
      const line = block.split('\n').find((candidate) => candidate.startsWith(field));
      return line === undefined || !dropped.has(line.slice(field.length).trim());
    });
    inode.content = bytesContent(Buffer.from(kept.join(''), 'latin1'));
  }
}
