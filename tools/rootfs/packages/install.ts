/**
 * Installs packages into an empty tree, as opkg does into the root of an image (`opkg --offline-root`), without running
 * anything: what OpenWrt's standard script does at build time is done here, other scripts wait for the first boot.
 */
import { createHash } from 'node:crypto';
import { ProfileError, byteStringFromText, textOf } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { newDirectory, newFile } from '../../vfs/index.js';
import type { TreeDirectory, TreeInode } from '../../vfs/index.js';
import { opkgFolder } from '../installed-packages.js';
import { mergeTree } from '../merge.js';
import type { FirstBootScript, RootWarning } from '../root-tree.js';
import { findInode, namesOf, readTreeFile } from '../tree-path.js';
import { linkAlternatives } from './alternatives.js';
import { enableServices } from './services.js';
import { addRequiredUsers } from './users.js';
import type { LoadedPackage } from './feed.js';

/** A package to install, read and checked. */
export interface PackageToInstall extends LoadedPackage {
  readonly automatic: boolean;
}

/** A tree with packages installed. */
export interface InstalledTree {
  readonly root: TreeDirectory;
  readonly warnings: readonly RootWarning[];
  readonly firstBootScripts: readonly FirstBootScript[];
}

/**
 * Installs packages in the order given (dependencies first).
 *
 * @param seconds  time of installation and of what is made here, seconds since 1970 UTC
 * @throws ProfileError FW_ROOTFS_PACKAGES when two packages bring the same file and neither replaces the other
 */
export function installPackages(packages: readonly PackageToInstall[], seconds: number): InstalledTree {
  const mtimeNs = BigInt(seconds) * 1_000_000_000n;
  const root = newDirectory({ mtimeNs });
  checkClashes(packages);
  for (const entry of packages) mergeTree(root, entry.ipk.data, 'over', `package ${entry.name}`);
  // An image whose root is on flash has no /init: only a root in RAM starts with it. @see openwrt include/image.mk
  root.entries.delete('init' as ByteString);
  const writer = new ListWriter(root, mtimeNs);
  const scripts: FirstBootScript[] = [];
  for (const entry of packages) {
    writer.infoFiles(entry);
    scripts.push(...writer.firstBoot(entry));
  }
  writer.folder(`${opkgFolder}/lists`);
  writer.file(
    `${opkgFolder}/status`,
    packages.map((entry) => statusOf(entry, root, seconds)).join(''),
    0o644,
  );
  linkAlternatives(root, packages, mtimeNs);
  const warnings = addRequiredUsers(root, packages);
  enableServices(root, packages, mtimeNs);
  return { root, firstBootScripts: scripts, warnings };
}

function checkClashes(packages: readonly PackageToInstall[]): void {
  const owners = new Map<ByteString, LoadedPackage>();
  const problems: string[] = [];
  for (const entry of packages) {
    for (const path of entry.files) {
      const before = owners.get(path);
      const replaced = before !== undefined && (replaces(entry, before) || replaces(before, entry));
      if (before !== undefined && !replaced)
        problems.push(`${before.name} and ${entry.name} both bring ${textOf(path)}`);
      owners.set(path, entry);
    }
  }
  if (problems.length > 0) {
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
    throw new ProfileError('FW_ROOTFS_PACKAGES', `packages: ${problems[0] ?? ''}${more}`, [], {
      data: { problems },
    });
  }
}

function replaces(entry: LoadedPackage, other: LoadedPackage): boolean {
  return entry.control.list('Replaces').some((text) => text.split(/[\s(]/)[0] === other.name);
}

function conffilesOf(entry: LoadedPackage): ByteString[] {
  const text = readTreeFile(entry.ipk.control, '/conffiles')?.toString('latin1') ?? '';
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '') as ByteString[];
}

/** One paragraph of opkg's status file. Kernel and libc are held, as ImageBuilder holds them. */
function statusOf(entry: PackageToInstall, root: TreeDirectory, seconds: number): string {
  const held = entry.name === 'kernel' || entry.name === 'libc';
  const { control } = entry;
  const optional = (field: string): string => {
    const value = control.get(field);
    return value === undefined || value === '' ? '' : `${field}: ${value}\n`;
  };
  const conffiles = conffilesOf(entry).flatMap((path) => {
    const inode = findInode(root, path);
    if (inode?.type !== 'file') return [];
    const hash = createHash('sha256').update(inode.content.read(0, inode.content.size)).digest('hex');
    return [` ${textOf(path)} ${hash}\n`];
  });
  return (
    `Package: ${entry.name}\nVersion: ${entry.version}\n` +
    ['Depends', 'Provides', 'Replaces', 'Conflicts'].map(optional).join('') +
    `Status: install ${held ? 'hold' : entry.automatic ? 'ok' : 'user'} installed\n` +
    ['Essential', 'Architecture', 'Alternatives', 'ABIVersion'].map(optional).join('') +
    (conffiles.length === 0 ? '' : `Conffiles:\n${conffiles.join('')}`) +
    `Installed-Time: ${seconds}\n` +
    (entry.automatic ? 'Auto-Installed: yes\n\n' : '\n')
  );
}

/** OpenWrt's script for every package; what it does at build time is done by this module. */
const standardPostinst =
  /^#!\/bin\/sh\n(?:\[ "\$\{IPKG_NO_SCRIPT\}" = "1" \] && exit 0\n)?(?:\[ -s "?\$\{IPKG_INSTROOT\}\/lib\/functions\.sh"? \] \|\| exit 0\n)?\. "?\$\{IPKG_INSTROOT\}\/lib\/functions\.sh"?\ndefault_postinst \$0 "?\$@"?\n*$/;
/** A script that itself says it has nothing to do while an image is built. */
const liveOnly = /^(?:#![^\n]*\n)?\s*\[ -z "\$\{?IPKG_INSTROOT\}?" \] \|\| exit 0\n/;

/** Writes opkg's lists and what else an installation leaves. */
class ListWriter {
  readonly #root: TreeDirectory;
  readonly #mtimeNs: bigint;

  constructor(root: TreeDirectory, mtimeNs: bigint) {
    this.#root = root;
    this.#mtimeNs = mtimeNs;
  }

  folder(path: string): TreeDirectory {
    let directory = this.#root;
    for (const name of namesOf(byteStringFromText(path))) {
      let next: TreeInode | undefined = directory.entries.get(name);
      if (next?.type !== 'directory') {
        next = newDirectory({ mtimeNs: this.#mtimeNs });
        directory.entries.set(name, next);
      }
      directory = next;
    }
    return directory;
  }

  file(path: string, text: string | Uint8Array, mode: number): void {
    const cut = path.lastIndexOf('/');
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    const made = newFile(bytes, { mode, mtimeNs: this.#mtimeNs });
    this.folder(path.slice(0, cut)).entries.set(byteStringFromText(path.slice(cut + 1)), made);
  }

  /** Writes what opkg keeps of a package: its control files but the scripts that ran, and the list of its files. */
  infoFiles(entry: LoadedPackage): void {
    const list = entry.files.map((path) => `${path}\n`).join('');
    this.file(`${opkgFolder}/info/${entry.name}.list`, Buffer.from(list, 'latin1'), 0o644);
    for (const [name, inode] of entry.ipk.control.entries) {
      if (inode.type !== 'file' || /^(?:preinst|postinst)(?:-pkg)?$/.test(name)) continue;
      const bytes = inode.content.read(0, inode.content.size);
      this.file(
        `${opkgFolder}/info/${entry.name}.${textOf(name)}`,
        bytes,
        name.startsWith('p') ? 0o755 : 0o644,
      );
    }
  }

  /** Records scripts that do more than the standard one; a script in /etc/uci-defaults runs once, at first boot. */
  firstBoot(entry: LoadedPackage): FirstBootScript[] {
    const own = (name: string): Buffer | undefined => readTreeFile(entry.ipk.control, `/${name}`);
    const pending = (['preinst', 'postinst', 'postinst-pkg'] as const).filter((name) => {
      const text = own(name)?.toString('latin1').replace(/\r\n/g, '\n');
      return text !== undefined && text.trim() !== '' && !standardPostinst.test(text) && !liveOnly.test(text);
    });
    if (pending.length === 0) return [];
    const lines = pending.map((name) => {
      const path = `${opkgFolder}/info/${entry.name}.${name}`;
      this.file(path, own(name) ?? '', 0o755);
      return `PKG_ROOT=/ sh ${path} ${name === 'preinst' ? 'install' : 'configure'}\n`;
    });
    const path = `/etc/uci-defaults/05_${entry.name}-scripts`;
    this.file(
      path,
      `#!/bin/sh\n# Runs once at first boot what could not run while the image was built.\n${lines.join('')}`,
      0o755,
    );
    return [{ package: entry.name, path: byteStringFromText(path) }];
  }
}
