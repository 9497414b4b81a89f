/**
 * Which files an upgrade keeps: the list that `sysupgrade` makes on the running system.
 *
 * Source: openwrt base-files sbin/sysupgrade (`list_conffiles`, `list_changed_conffiles`, `do_save_conffiles`,
 * `build_list_of_backup_*`) and lib/upgrade/keep.d, branches 19.07 to 25.12.
 */
import { createHash } from 'node:crypto';
import { byteStringFromText, compareBytes, textOf, type ByteString } from '../../core/index.js';
import type { FileSystem, Ino } from '../../vfs/index.js';
import type { Branch } from '../branches.js';
import { findFile, readFileIfThere, readLines, sameContent, walkFiles } from '../device-files.js';

/** The running system, as the upgrade script sees it. */
export interface KeepListSystem {
  /** The merged root. */
  readonly root: FileSystem;
  /** The read-only root below it. */
  readonly rom: FileSystem;
  /** The upper directory, absent when the root is read-only. */
  readonly upper: { readonly fs: FileSystem; readonly directory: Ino } | undefined;
}

/** Options of sysupgrade that change the list. */
export interface KeepListOptions {
  /** -c: all changed files of /etc. */
  readonly changedEtc?: boolean;
  /** -o: all changed files. */
  readonly changedAll?: boolean;
  /** -u: leave out files equal to the read-only root's. */
  readonly skipEqual?: boolean;
}

/** Left out of -c and -o: made anew at each boot or by the package manager. */
const neverKept = [
  /^\/etc\/board\.json$/,
  /^\/etc\/luci-uploads\/\.placeholder$/,
  /-opkg$/,
  /\.apk-new$/,
  /^\/etc\/urandom\.seed$/,
  /^\/etc\/apk\/world$/,
  /(^|\/)distfeeds\.list$/,
  /(^|\/)installed_packages\.txt$/,
  /^\/usr\/lib\/opkg\//,
  /^\/lib\/apk\//,
  /^\/run(\/|$)/,
];

/**
 * Lists the absolute paths of files and symlinks that the backup holds, sorted by raw bytes.
 *
 * @throws FsError of the file systems
 */
export function keepList(
  system: KeepListSystem,
  branch: Branch,
  options: KeepListOptions,
): readonly ByteString[] {
  const paths = new Set<ByteString>();
  if (options.changedEtc || options.changedAll) {
    for (const path of changedFiles(system, options.changedAll ? '/' : '/etc')) paths.add(path);
  } else {
    for (const path of listedPaths(system.root)) paths.add(path);
    for (const path of changedConffiles(system.root, branch)) paths.add(path);
  }
  const kept = [...paths].filter((path) => !(options.skipEqual && equalsRom(system, path)));
  return kept.sort(compareBytes);
}

/** Files and symlinks below the paths of sysupgrade.conf and keep.d; shell patterns expand. */
function* listedPaths(root: FileSystem): Generator<ByteString> {
  const lists = [byteStringFromText('/etc/sysupgrade.conf')];
  const keepD = byteStringFromText('/lib/upgrade/keep.d');
  const directory = findFile(root, keepD);
  if (directory !== undefined && root.getattr(directory).type === 'directory') {
    for (const entry of root.readdir(directory)) lists.push(`${keepD}/${entry.name}` as ByteString);
  }
  for (const list of lists.sort(compareBytes)) {
    for (const line of readLines(root, list)) {
      const pattern = line.trim();
      if (pattern === '' || pattern.startsWith('#')) continue;
      for (const path of expandPattern(root, pattern as ByteString)) yield* filesBelow(root, path);
    }
  }
}

function* filesBelow(root: FileSystem, path: ByteString): Generator<ByteString> {
  const ino = findFile(root, path, false);
  if (ino === undefined) return;
  const { type } = root.getattr(ino);
  if (type === 'file' || type === 'symlink') yield path;
  if (type !== 'directory') return;
  for (const { path: below, attributes } of walkFiles(root, ino)) {
    if (attributes.type === 'file' || attributes.type === 'symlink') yield `${path}${below}` as ByteString;
  }
}

/** Expands `*`, `?` and `[...]` name by name, as ash does; a pattern without them stands for itself. */
export function expandPattern(root: FileSystem, pattern: ByteString): readonly ByteString[] {
  let paths = ['' as ByteString];
  for (const part of pattern.split('/').filter((name) => name !== '')) {
    if (!/[*?[]/.test(part)) {
      paths = paths.map((path) => `${path}/${part}` as ByteString);
      continue;
    }
    const expression = globExpression(part);
    paths = paths.flatMap((path) => {
      const directory = findFile(root, (path || '/') as ByteString);
      if (directory === undefined || root.getattr(directory).type !== 'directory') return [];
      return root
        .readdir(directory)
        .map((entry) => entry.name)
        .filter((name) => expression.test(name) && (part.startsWith('.') || !name.startsWith('.')))
        .sort(compareBytes)
        .map((name) => `${path}/${name}` as ByteString);
    });
  }
  return paths;
}

function globExpression(part: string): RegExp {
  let source = '';
  for (let i = 0; i < part.length; i += 1) {
    const char = part[i] ?? '';
    const end = char === '[' ? part.indexOf(']', i + 2) : -1;
    if (char === '*') source += '.*';
    else if (char === '?') source += '.';
    else if (end > 0) {
      source += `[${part
        .slice(i + 1, end)
        .replace(/^!/, '^')
        .replace(/\\/g, '\\\\')}]`;
      i = end;
    } else source += char.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  }
  return new RegExp(`^${source}$`, 's');
}

/** Conffiles of installed packages whose SHA-256 is not the recorded one. */
function* changedConffiles(root: FileSystem, branch: Branch): Generator<ByteString> {
  for (const { path, sha256 } of recordedConffiles(root, branch)) {
    const bytes = readFileIfThere(root, path);
    if (bytes && createHash('sha256').update(bytes).digest('hex') !== sha256) yield path;
  }
}

function* recordedConffiles(
  root: FileSystem,
  branch: Branch,
): Generator<{ readonly path: ByteString; readonly sha256: string }> {
  let inConffiles = false;
  for (const line of readLines(root, byteStringFromText('/usr/lib/opkg/status'))) {
    const match = /^ (\/\S*) ([0-9a-f]+)$/.exec(line);
    if (inConffiles && match) yield { path: match[1] as ByteString, sha256: match[2] ?? '' };
    else inConffiles = line.startsWith('Conffiles:');
  }
  if (!branch.readsApkLists) return;
  for (const list of expandPattern(root, byteStringFromText('/lib/apk/packages/*.conffiles_static'))) {
    for (const line of readLines(root, list)) {
      const match = /^(\/\S*) ([0-9a-f]+)$/.exec(line);
      if (match) yield { path: match[1] as ByteString, sha256: match[2] ?? '' };
    }
  }
}

/** Files of the upper directory below `under`, less what boot and package manager make, less packages' own files. */
function* changedFiles(system: KeepListSystem, under: '/' | '/etc'): Generator<ByteString> {
  if (!system.upper) return;
  const owned = under === '/' ? packageFiles(system.root) : new Set<ByteString>();
  for (const { path, attributes } of walkFiles(system.upper.fs, system.upper.directory)) {
    if (attributes.type !== 'file' && attributes.type !== 'symlink') continue;
    if (under === '/etc' && !path.startsWith('/etc/')) continue;
    const text = textOf(path);
    if (neverKept.some((pattern) => pattern.test(text)) || owned.has(path)) continue;
    yield path;
  }
}

/** Files that packages own and that are neither conffiles nor on a keep list. */
function packageFiles(root: FileSystem): Set<ByteString> {
  const owned = new Set<ByteString>();
  for (const pattern of ['/usr/lib/opkg/info/*.list', '/lib/apk/packages/*.list']) {
    for (const list of expandPattern(root, byteStringFromText(pattern))) {
      for (const line of readLines(root, list)) owned.add(line.split('\t')[0] as ByteString);
    }
  }
  for (const pattern of ['/usr/lib/opkg/info/*.conffiles', '/lib/apk/packages/*.conffiles']) {
    for (const list of expandPattern(root, byteStringFromText(pattern))) {
      for (const line of readLines(root, list)) owned.delete(line);
    }
  }
  for (const path of listedPaths(root)) owned.delete(path);
  return owned;
}

function equalsRom(system: KeepListSystem, path: ByteString): boolean {
  const mine = readFileIfThere(system.root, path);
  const rom = readFileIfThere(system.rom, path);
  return mine !== undefined && rom !== undefined && sameContent(mine, rom);
}
