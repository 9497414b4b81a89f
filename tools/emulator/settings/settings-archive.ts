/**
 * The settings that an upgrade carries: the tree that the backup holds, and how a boot restores it.
 *
 * Source: openwrt base-files sbin/sysupgrade (`create_backup_archive`) and
 * lib/preinit/80_mount_root (`do_mount_root`, `missing_lines`), branches 19.07 to 25.12.
 */
import type { ByteString } from '../../core/index.js';
import {
  bytesContent,
  type FileSystem,
  newDirectory,
  newFile,
  type TreeDirectory,
  type TreeInode,
  writeAll,
} from '../../vfs/index.js';
import type { Branch } from '../branches.js';
import { copyTreeOver } from '../overlay/copy-over.js';
import { packageListPath } from './package-list.js';
import { devicePath, fileAt, findFile, readFileIfThere, readLines } from '../device-files.js';

const disableScriptPath = devicePath('/etc/uci-defaults/10_disable_services');
const accountFiles = ['/etc/passwd', '/etc/group', '/etc/shadow'].map(devicePath);

/**
 * Gathers the files of a keep list, with owner, mode, time and xattrs, into a tree.
 *
 * @param paths     absolute paths of files and symlinks, as `keepList` gives them
 * @param packages  list of installed packages, when the user asked for it
 */
export function gatherSettings(
  root: FileSystem,
  paths: readonly ByteString[],
  branch: Branch,
  packages?: Uint8Array,
): TreeDirectory {
  const tree = newDirectory();
  const linked = new Map<number, TreeInode>();
  if (branch.backupDisablesServices) addDisableScript(root, tree);
  if (packages) putMadeFile(tree, packageListPath, packages, 0n);
  for (const path of paths) {
    const ino = fileAt(root, path, false);
    const attributes = root.getattr(ino);
    let inode = attributes.nlink > 1 ? linked.get(ino) : undefined;
    if (!inode) {
      inode = treeInode(root, ino);
      if (!inode) continue;
      if (attributes.nlink > 1) linked.set(ino, inode);
    }
    const parts = path.split('/').filter((part) => part !== '') as ByteString[];
    const name = parts.pop();
    if (name !== undefined) directoryAt(tree, parts).entries.set(name, inode);
  }
  return tree;
}

/** The script that switches off again, after the upgrade, the services that are switched off now. */
function addDisableScript(root: FileSystem, tree: TreeDirectory): void {
  const scripts = directoryNames(root, '/etc/init.d');
  const enabled = new Set(directoryNames(root, '/etc/rc.d').map((name) => name.replace(/^S\d+/, '')));
  const lines = scripts
    .filter((name) => !enabled.has(name))
    .map((name) => `[ -f "/etc/init.d/${name}" ] && /etc/init.d/${name} disable\n`);
  const rcd = findFile(root, devicePath('/etc/rc.d'));
  const mtimeNs = rcd === undefined ? 0n : root.getattr(rcd).mtimeNs;
  putMadeFile(tree, disableScriptPath, Buffer.from(`${lines.join('')}exit 0\n`), mtimeNs);
}

/** Puts a file into the backup that is not on the device. */
function putMadeFile(tree: TreeDirectory, path: ByteString, content: Uint8Array, mtimeNs: bigint): void {
  const parts = path.split('/').filter((part) => part !== '') as ByteString[];
  const name = parts.pop();
  if (name === undefined) return;
  directoryAt(tree, parts).entries.set(name, newFile(content, { mtimeNs }));
}

function directoryNames(root: FileSystem, path: string): readonly string[] {
  const ino = findFile(root, devicePath(path));
  if (ino === undefined || root.getattr(ino).type !== 'directory') return [];
  return root
    .readdir(ino)
    .map((entry) => entry.name as string)
    .sort();
}

function treeInode(root: FileSystem, ino: number): TreeInode | undefined {
  const { type, mode, uid, gid, mtimeNs, size } = root.getattr(ino);
  const xattrs = new Map(root.listxattr(ino).map((name) => [name, root.getxattr(ino, name)]));
  const common = { mode, uid, gid, mtimeNs, xattrs };
  if (type === 'file') return { ...common, type, content: bytesContent(root.read(ino, 0, size)) };
  if (type === 'symlink') return { ...common, type, target: root.readlink(ino) };
  return undefined;
}

function directoryAt(tree: TreeDirectory, parts: readonly ByteString[]): TreeDirectory {
  let at = tree;
  for (const part of parts) {
    const next = at.entries.get(part);
    if (next?.type === 'directory') {
      at = next;
      continue;
    }
    const made = newDirectory();
    at.entries.set(part, made);
    at = made;
  }
  return at;
}

/** What a restore changed. */
export interface RestoreReport {
  readonly files: number;
  /** Accounts of the image that the restored files did not know; they were appended, or lost on old branches. */
  readonly missingAccounts: readonly string[];
}

/**
 * Unpacks carried settings over the root, as the boot does, and merges the accounts that are new in the image.
 *
 * @throws FsError such as ENOSPC; what was unpacked until then stays
 */
export function restoreSettings(root: FileSystem, tree: TreeDirectory, branch: Branch): RestoreReport {
  const before = new Map(accountFiles.map((path) => [path, readLines(root, path)]));
  const files = copyTreeOver(root, root.root, tree, 'keep');
  const missingAccounts: string[] = [];
  for (const [path, lines] of before) {
    const known = new Set(readLines(root, path).map((line) => line.split(':')[0]));
    const missing = lines.filter((line) => line !== '' && !known.has(line.split(':')[0]));
    if (missing.length === 0) continue;
    missingAccounts.push(...missing.map((line) => `${path}:${line.split(':')[0] ?? ''}`));
    if (!branch.restoreMergesAccounts) continue;
    const text = readFileIfThere(root, path) ?? new Uint8Array();
    const gap = text.length > 0 && text.at(-1) !== 0x0a ? '\n' : '';
    const ino = fileAt(root, path);
    writeAll(root, ino, text.length, Uint8Array.from(Buffer.from(`${gap}${missing.join('\n')}\n`, 'latin1')));
  }
  if (branch.restoreMergesAccounts) root.sync();
  return { files, missingAccounts };
}
