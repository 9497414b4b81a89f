/**
 * Reads a folder of the host as a tree, so that nothing of the host shows unless it is asked for: owners, umask, times,
 * labels of a security module, order of names.
 */
import { FormatError, byteStringFromText, compareBytes, joinPath, textOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { newDirectory, noXattrs } from '../vfs/index.js';
import type { TreeDirectory, TreeInode } from '../vfs/index.js';
import {
  HostContent,
  hostEntries,
  hostObjectKey,
  hostStatus,
  hostTarget,
  hostXattr,
  hostXattrs,
} from './host-folder.js';
import { requireFolder } from './regular-file.js';
import type { HostStatus } from './host-folder.js';
import type { FolderSource, RootWarning } from './root-tree.js';

/** What a folder gave. */
export interface FolderTree {
  readonly root: TreeDirectory;
  readonly warnings: readonly RootWarning[];
  /** Bytes of all files, hard links counted once. */
  readonly contentSize: number;
}

const capability = 'security.capability' as ByteString;

/**
 * Reads a folder as a tree; contents are read from the host when they are asked for.
 *
 * With `clean` attributes only `security.capability` of the extended attributes is taken, and a device node is refused,
 * for its owner and mode say nothing: the attribute table makes device nodes.
 *
 * @param mtimeNs  time of everything in the tree, instead of the host's
 * @throws EnvironmentError FW_ENV_FILE; FormatError FW_ROOTFS_DEVICE
 */
export function folderTree(source: FolderSource, mtimeNs: bigint): FolderTree {
  const scan = new FolderScan(source, mtimeNs);
  const top = byteStringFromText(source.path);
  requireFolder(source.path, 'root tree');
  const status = hostStatus(`${top}/` as ByteString);
  const root = newDirectory(scan.attributes(top, '/' as ByteString, status));
  scan.fill(root, top);
  return { root, warnings: scan.warnings, contentSize: scan.contentSize };
}

class FolderScan {
  readonly warnings: RootWarning[] = [];
  contentSize = 0;
  readonly #source: FolderSource;
  readonly #mtimeNs: bigint;
  readonly #clean: boolean;
  readonly #linked = new Map<string, TreeInode>();

  constructor(source: FolderSource, mtimeNs: bigint) {
    this.#source = source;
    this.#mtimeNs = mtimeNs;
    this.#clean = source.attributes !== 'keep';
  }

  fill(root: TreeDirectory, top: ByteString): void {
    const pending = [{ directory: root, hostPath: top, path: '/' as ByteString }];
    for (let next = pending.pop(); next; next = pending.pop()) {
      const entries = hostEntries(next.hostPath).sort((a, b) => compareBytes(a.name, b.name));
      for (const { name, status } of entries) {
        const hostPath = joinPath(next.hostPath, name);
        const path = joinPath(next.path, name);
        const inode = this.#inode(hostPath, path, status);
        if (inode === undefined) continue;
        next.directory.entries.set(name, inode);
        if (inode.type === 'directory') pending.push({ directory: inode, hostPath, path });
      }
    }
  }

  attributes(
    hostPath: ByteString,
    path: ByteString,
    status: HostStatus,
  ): Omit<TreeDirectory, 'type' | 'entries'> {
    const xattrs = this.#xattrs(hostPath);
    const mtimeNs = this.#mtimeNs;
    if (!this.#clean) return { mode: status.mode, uid: status.uid, gid: status.gid, mtimeNs, xattrs };
    return { mode: this.#cleanMode(path, status), uid: 0, gid: 0, mtimeNs, xattrs };
  }

  /** The modes that OpenWrt's image build gives, with its exceptions. @see openwrt include/image.mk */
  #cleanMode(path: ByteString, { type, mode }: HostStatus): number {
    if (type === 'symlink') return 0o777;
    if (type === 'directory') return path === '/tmp' ? 0o1777 : 0o755;
    if (/^\/etc\/shadow$|ssh_host_[^/]*key$|\/dropbear_[^/]*_host_key$/.test(path)) return 0o600;
    const special = mode & 0o6000;
    if (special !== 0 && type === 'file') {
      this.warnings.push({
        code: 'setuid-kept',
        message: `${textOf(path)} is set-uid or set-gid (${mode.toString(8)})`,
      });
    }
    return ((mode & 0o100) === 0 ? 0o644 : 0o755) | special;
  }

  #xattrs(hostPath: ByteString): ReadonlyMap<ByteString, Uint8Array> {
    const kept = hostXattrs(hostPath).filter((name) =>
      this.#clean ? name === capability : !name.startsWith('system.'),
    );
    if (kept.length === 0) return noXattrs;
    return new Map(kept.sort(compareBytes).map((name) => [name, hostXattr(hostPath, name)]));
  }

  #inode(hostPath: ByteString, path: ByteString, status: HostStatus): TreeInode | undefined {
    if (status.links < 2 || status.type === 'directory') return this.#newInode(hostPath, path, status);
    const key = hostObjectKey(hostPath);
    const inode = this.#linked.get(key) ?? this.#newInode(hostPath, path, status);
    if (inode !== undefined) this.#linked.set(key, inode);
    return inode;
  }

  #newInode(hostPath: ByteString, path: ByteString, status: HostStatus): TreeInode | undefined {
    const attributes = this.attributes(hostPath, path, status);
    const { type } = status;
    switch (type) {
      case 'directory':
        return newDirectory(attributes);
      case 'file':
        this.contentSize += status.size;
        return { type, ...attributes, content: new HostContent(hostPath, status.size) };
      case 'symlink':
        return { type, ...attributes, target: hostTarget(hostPath) };
      case 'fifo':
        return { type, ...attributes };
      case 'socket':
        this.warnings.push({
          code: 'socket-skipped',
          message: `${textOf(path)} is a socket of this machine, left out`,
        });
        return undefined;
      case 'char':
      case 'block':
        if (this.#clean) throw this.#deviceInFolder(path);
        return { type, ...attributes, rdev: { major: status.major, minor: status.minor } };
    }
  }

  #deviceInFolder(path: ByteString): FormatError {
    return new FormatError(
      'FW_ROOTFS_DEVICE',
      `${textOf(path)} in the folder ${this.#source.path} is a device node`,
      {
        hint: 'name it in the attribute table of the recipe (type, mode, rdev), or take the folder with its attributes',
        data: { path: textOf(path), folder: this.#source.path },
      },
    );
  }
}
