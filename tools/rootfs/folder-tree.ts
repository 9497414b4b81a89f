/**
 * Reads a folder of the host as a tree, so that nothing of the host shows unless it is asked for: owners, umask, times,
 * labels of a security module, order of names.
 */
import { closeSync, lstatSync, openSync, readFileSync, readSync, readdirSync, readlinkSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { deviceNumberOf, errnoOf, getXattr, listXattrs } from '../addon/index.js';
import {
  EnvironmentError,
  FormatError,
  byteString,
  bytesOf,
  compareBytes,
  joinPath,
  textOf,
} from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { newDirectory } from '../vfs/index.js';
import type { Content, TreeDirectory, TreeInode } from '../vfs/index.js';
import { applyRecord, attributeRecordSchema, latestTime, recordPathOf } from './attribute-record.js';
import type { AttributeRecord, TreeChanges } from './attribute-record.js';
import { wrapHostError } from './root-source.js';
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
  if (source.attributes === 'recorded') {
    const { root, warnings, contentSize } = recordedFolderTree(source.path, mtimeNs);
    return { root, warnings, contentSize };
  }
  const scan = new FolderScan(source, mtimeNs);
  const top = Buffer.from(source.path);
  const stat = wrapHostError(source.path, () => lstatSync(`${source.path}/`, { bigint: true }));
  if (!stat.isDirectory()) throw new EnvironmentError('FW_ENV_FILE', `${source.path} is not a folder`);
  const root = newDirectory(scan.attributes(top, '/' as ByteString, stat));
  scan.fill(root, top, '/' as ByteString);
  return { root, warnings: scan.warnings, contentSize: scan.contentSize };
}

/** A folder with its record, and what was edited since it was unpacked. */
export interface RecordedFolderTree extends FolderTree {
  readonly changes: TreeChanges;
}

/**
 * Reads a folder that unpacking wrote, with owners, modes, nodes, attributes and times as recorded beside it.
 *
 * @param mtimeNs  time of what was added or edited since; the latest time of the record when absent
 * @throws EnvironmentError FW_ENV_FILE; FormatError FW_ROOTFS_RECORD when the record is damaged
 */
export function recordedFolderTree(path: string, mtimeNs?: bigint): RecordedFolderTree {
  const record = readRecord(recordPathOf(path));
  const time = mtimeNs ?? latestTime(record);
  const tree = folderTree({ kind: 'folder', path, attributes: 'keep' }, time);
  const changes = applyRecord(tree.root, record, time);
  return { ...tree, changes };
}

function readRecord(path: string): AttributeRecord {
  const text = wrapHostError(path, () => readFileSync(path, 'utf8'));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw damagedRecord(path, error.message);
  }
  const parsed = attributeRecordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw damagedRecord(path, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

function damagedRecord(path: string, reason: string): FormatError {
  return new FormatError('FW_ROOTFS_RECORD', `${path} is damaged: ${reason}`, {
    hint: 'correct it, or unpack the image again',
    data: { path },
  });
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

  fill(directory: TreeDirectory, hostPath: Buffer, path: ByteString): void {
    const pending = [{ directory, hostPath, path }];
    for (let next = pending.pop(); next; next = pending.pop()) {
      const { hostPath: parent } = next;
      const names = wrapHostError(textOf(byteString(parent)), () =>
        readdirSync(parent, { encoding: 'buffer' }),
      );
      for (const name of names.map((bytes) => byteString(bytes)).sort(compareBytes)) {
        const childHost = Buffer.concat([parent, Buffer.from('/'), bytesOf(name)]);
        const childPath = joinPath(next.path, name);
        const inode = wrapHostError(textOf(byteString(childHost)), () => this.#inode(childHost, childPath));
        if (inode === undefined) continue;
        next.directory.entries.set(name, inode);
        if (inode.type === 'directory')
          pending.push({ directory: inode, hostPath: childHost, path: childPath });
      }
    }
  }

  attributes(hostPath: Buffer, path: ByteString, stat: BigIntStats): Omit<TreeDirectory, 'type' | 'entries'> {
    const mode = Number(stat.mode & 0o7777n);
    const xattrs = this.#xattrs(hostPath);
    if (!this.#clean)
      return { mode, uid: Number(stat.uid), gid: Number(stat.gid), mtimeNs: this.#mtimeNs, xattrs };
    return { mode: this.#cleanMode(path, mode, stat), uid: 0, gid: 0, mtimeNs: this.#mtimeNs, xattrs };
  }

  /** The modes that OpenWrt's image build gives, with its exceptions. @see openwrt include/image.mk */
  #cleanMode(path: ByteString, mode: number, stat: BigIntStats): number {
    if (stat.isSymbolicLink()) return 0o777;
    if (stat.isDirectory()) return path === '/tmp' ? 0o1777 : 0o755;
    if (/^\/etc\/shadow$|ssh_host_[^/]*key$|\/dropbear_[^/]*_host_key$/.test(path)) return 0o600;
    const special = mode & 0o6000;
    if (special !== 0 && stat.isFile()) {
      this.warnings.push({
        code: 'setuid-kept',
        message: `${textOf(path)} is set-uid or set-gid (${mode.toString(8)})`,
      });
    }
    return ((mode & 0o100) === 0 ? 0o644 : 0o755) | special;
  }

  #xattrs(hostPath: Buffer): Map<ByteString, Uint8Array> {
    let names: ByteString[];
    try {
      names = listXattrs(hostPath);
    } catch (error) {
      // File systems without extended attributes have none to lose.
      if (errnoOf(error) === 'EOPNOTSUPP' || errnoOf(error) === 'ENOTSUP') return new Map();
      throw error;
    }
    const kept = names.filter((name) => (this.#clean ? name === capability : !name.startsWith('system.')));
    return new Map(kept.sort(compareBytes).map((name) => [name, getXattr(hostPath, name)]));
  }

  #inode(hostPath: Buffer, path: ByteString): TreeInode | undefined {
    const stat = lstatSync(hostPath, { bigint: true });
    const key = `${stat.dev}:${stat.ino}`;
    const known = stat.nlink > 1n && !stat.isDirectory() ? this.#linked.get(key) : undefined;
    if (known !== undefined) return known;
    const inode = this.#newInode(hostPath, path, stat);
    if (inode !== undefined && stat.nlink > 1n) this.#linked.set(key, inode);
    return inode;
  }

  #newInode(hostPath: Buffer, path: ByteString, stat: BigIntStats): TreeInode | undefined {
    const attributes = this.attributes(hostPath, path, stat);
    if (stat.isDirectory()) return newDirectory(attributes);
    if (stat.isFile()) {
      this.contentSize += Number(stat.size);
      return { type: 'file', ...attributes, content: hostContent(hostPath, Number(stat.size)) };
    }
    if (stat.isSymbolicLink()) {
      const target = byteString(readlinkSync(hostPath, { encoding: 'buffer' }));
      return { type: 'symlink', ...attributes, target };
    }
    if (stat.isFIFO()) return { type: 'fifo', ...attributes };
    if (stat.isSocket()) {
      this.warnings.push({
        code: 'socket-skipped',
        message: `${textOf(path)} is a socket of this machine, left out`,
      });
      return undefined;
    }
    if (this.#clean) {
      throw new FormatError(
        'FW_ROOTFS_DEVICE',
        `${textOf(path)} in the folder ${this.#source.path} is a device node`,
        {
          hint: 'name it in the attribute table of the recipe (type, mode, rdev), or take the folder with its attributes',
          data: { path: textOf(path), folder: this.#source.path },
        },
      );
    }
    return { type: stat.isBlockDevice() ? 'block' : 'char', ...attributes, rdev: deviceNumberOf(stat.rdev) };
  }
}

/** Content of a file of the host, by a path of bytes. */
function hostContent(hostPath: Buffer, size: number): Content {
  const text = hostPath.toString('utf8');
  return {
    size,
    // A path that is not UTF-8 cannot be told as text; such a file is read through `read`.
    ...(Buffer.from(text).equals(hostPath) ? { hostFile: { path: text, offset: 0 } } : {}),
    read: (offset, length) =>
      wrapHostError(text, () => {
        const buffer = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
        const descriptor = openSync(hostPath, 'r');
        try {
          for (let done = 0; done < buffer.length;) {
            const count = readSync(descriptor, buffer, done, buffer.length - done, offset + done);
            if (count === 0)
              throw new EnvironmentError('FW_ENV_FILE', `${text} became shorter while it was read`);
            done += count;
          }
        } finally {
          closeSync(descriptor);
        }
        return buffer;
      }),
  };
}
