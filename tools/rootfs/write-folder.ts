/**
 * Writes a tree into a new folder of the host, safely: nothing in a tree leads out of the folder, and a plain user can
 * write any tree. What a plain user cannot make is left to the record (attribute-record.ts).
 *
 * Every directory on the way was made here and holds nothing that was not, files are created and never opened through
 * what stands there, and symlinks are made but never followed.
 */
import {
  chmodSync,
  closeSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { hostCalls } from '../addon/index.js';
import { FormatError, byteString, bytesOf, textOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { typeBits, walkTree } from '../vfs/index.js';
import type { TreeDirectory, TreeFile, TreeInode } from '../vfs/index.js';
import { hostMode } from './attribute-record.js';
import { wrapHostError } from './root-source.js';

/** How a folder is written. */
export interface FolderWriteOptions {
  /** Also make owners, special modes, device nodes and extended attributes, which takes root. */
  readonly owners?: boolean;
  /** Called for each name. */
  readonly onName?: (done: number) => void;
}

/** What was written. */
export interface FolderWriteReport {
  readonly names: number;
  /** Paths of nodes that only the record holds. */
  readonly notMade: readonly ByteString[];
}

/**
 * Writes a tree.
 *
 * @param path  folder to make; nothing may stand there
 * @throws FormatError FW_ROOTFS_NAME for a name that no folder can hold; EnvironmentError FW_ENV_FILE
 */
export function writeFolderTree(
  root: TreeDirectory,
  path: string,
  options: FolderWriteOptions = {},
): FolderWriteReport {
  return wrapHostError(path, () => new FolderWriter(Buffer.from(path), options).write(root));
}

const pieceSize = 1024 ** 2;

class FolderWriter {
  readonly #top: Buffer;
  readonly #options: FolderWriteOptions;
  readonly #written = new Map<TreeInode, Buffer>();
  readonly #notMade: ByteString[] = [];

  constructor(top: Buffer, options: FolderWriteOptions) {
    this.#top = top;
    this.#options = options;
  }

  write(root: TreeDirectory): FolderWriteReport {
    const folders: (readonly [Buffer, TreeDirectory])[] = [[this.#top, root]];
    mkdirSync(this.#top, { mode: 0o700 });
    let names = 0;
    for (const { path, name, inode } of walkTree(root)) {
      checkName(name, path);
      const host = Buffer.concat([this.#top, bytesOf(path)]);
      if (inode.type === 'directory') {
        mkdirSync(host, { mode: 0o700 });
        folders.push([host, inode]);
      } else if (!this.#linkTo(host, inode)) {
        this.#make(host, path, inode);
      }
      names += 1;
      this.#options.onName?.(names);
    }
    // Last, and inner before outer: what is made in a folder changes its time, and may not be allowed in it.
    for (const [host, directory] of folders.reverse()) this.#setAttributes(host, directory);
    return { names, notMade: this.#notMade };
  }

  /** Makes a further name of an object that has one. */
  #linkTo(host: Buffer, inode: TreeInode): boolean {
    const first = this.#written.get(inode);
    if (first === undefined) return false;
    linkSync(first, host);
    return true;
  }

  #make(host: Buffer, path: ByteString, inode: Exclude<TreeInode, TreeDirectory>): void {
    if (inode.type === 'file') writeContent(host, inode);
    else if (inode.type === 'symlink') symlinkSync(Buffer.from(bytesOf(inode.target)), host);
    else if (!this.#makeNode(host, inode)) {
      this.#notMade.push(path);
      return;
    }
    this.#written.set(inode, host);
    this.#setAttributes(host, inode);
  }

  #makeNode(host: Buffer, inode: Exclude<TreeInode, { type: 'file' | 'directory' | 'symlink' }>): boolean {
    if (this.#options.owners !== true) return false;
    const { major, minor } = 'rdev' in inode ? inode.rdev : { major: 0, minor: 0 };
    return hostCalls().mknod(byteString(host), typeBits[inode.type] | 0o600, major, minor) === 0;
  }

  #setAttributes(host: Buffer, inode: TreeInode): void {
    const isLink = inode.type === 'symlink';
    if (this.#options.owners === true) {
      const calls = hostCalls();
      const place = byteString(host);
      // A change of the owner clears special modes and capabilities, so it comes first.
      check(calls.chown(place, false, inode.uid, inode.gid), host);
      for (const [name, value] of inode.xattrs) check(calls.setxattr(place, false, name, value, 0), host);
      if (!isLink) check(calls.chmod(place, (inode.mode & 0o7000) | hostMode(inode.type, inode.mode)), host);
    } else if (!isLink) {
      chmodSync(host, hostMode(inode.type, inode.mode));
    }
    const seconds = Number(inode.mtimeNs) / 1e9;
    lutimesSync(host, seconds, seconds);
  }
}

function check(errno: number, host: Buffer): void {
  if (errno === 0) return;
  throw Object.assign(new Error(`${textOf(byteString(host))}: errno ${errno}`), { code: 'EIO' });
}

function checkName(name: ByteString, path: ByteString): void {
  const isPlain = name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
  if (isPlain) return;
  throw new FormatError(
    'FW_ROOTFS_NAME',
    `the tree holds a name that no folder can: ${JSON.stringify(path)}`,
    {
      data: { structure: 'tree', found: textOf(name) },
    },
  );
}

function writeContent(host: Buffer, { content }: TreeFile): void {
  const descriptor = openSync(host, 'wx', 0o600);
  try {
    for (let at = 0; at < content.size;) {
      const piece = content.read(at, pieceSize);
      if (piece.length === 0) break;
      for (let done = 0; done < piece.length;) done += writeSync(descriptor, piece, done);
      at += piece.length;
    }
  } finally {
    closeSync(descriptor);
  }
}
