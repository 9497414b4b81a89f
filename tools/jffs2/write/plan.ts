/**
 * Turns a tree into the sequence of things to write: numbers, versions, names, attributes. No bytes yet.
 *
 * This is the plan of our own images, which keeps everything that the tree says and refuses what JFFS2 cannot hold;
 * write/compatible.ts makes the plan of mkfs.jffs2.
 */
import { bytesOf, compareBytes, FormatError, joinPath, textOf } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { typeBits } from '../../vfs/index.js';
import type { Content, TreeDirectory, TreeInode } from '../../vfs/index.js';
import { encodeDevice } from '../node/device.js';
import { direntType } from '../node/dirent-type.js';
import type { DirentFields, InodeFields, XattrFields, XrefFields } from '../node/encode.js';
import { JFFS2_NAME_MAX, ROOT_INO } from '../node/layout.js';
import type { Endian } from '../node/layout.js';
import { encodeAcl, isAcl, splitXattrName } from '../node/xattr.js';

/** Fields that all nodes of an inode share. */
export type InodeTemplate = Omit<InodeFields, 'version' | 'offset' | 'dsize' | 'compr'>;

/** One thing to write. `path` is for messages. */
export type WriteStep =
  | { readonly kind: 'dirent'; readonly fields: DirentFields }
  | { readonly kind: 'xattr'; readonly fields: XattrFields; readonly path: ByteString }
  | { readonly kind: 'xref'; readonly fields: XrefFields }
  /** A node that holds metadata, and data that is stored as it is. */
  | {
      readonly kind: 'inode';
      readonly template: InodeTemplate;
      readonly version: number;
      readonly data: Uint8Array;
    }
  | {
      readonly kind: 'file';
      readonly template: InodeTemplate;
      readonly content: Content;
      readonly path: ByteString;
    };

const NO_DATA = new Uint8Array();
/** File sizes and times are 32-bit. */
const U32_MAX = 0xffffffff;
const U16_MAX = 0xffff;
const NS_PER_SECOND = 1_000_000_000n;

/** Throws the error for a value that JFFS2 cannot hold. */
function refuse(path: ByteString, what: string, limit: string, found: string | number): never {
  throw new FormatError('FW_JFFS2_LIMIT', `${textOf(path)}: ${what} ${found}, JFFS2 holds ${limit}`, {
    data: { path: textOf(path), structure: what, expected: limit, found },
  });
}

/** Gives the same number to equal attributes and writes each once. */
export class XattrNumbers {
  readonly #known = new Map<string, number>();
  #seqno = 0;

  /** Returns the number of an attribute, and whether it is new. */
  number(
    xprefix: number,
    name: ByteString,
    value: Uint8Array,
  ): { readonly xid: number; readonly isNew: boolean } {
    const key = `${xprefix} ${name}\0${Buffer.from(value).toString('latin1')}`;
    const known = this.#known.get(key);
    if (known !== undefined) return { xid: known, isNew: false };
    const xid = this.#known.size + 1;
    this.#known.set(key, xid);
    return { xid, isNew: true };
  }

  /** Next sequence number of a live reference: even ones. */
  nextSeqno(): number {
    this.#seqno += 2;
    return this.#seqno;
  }
}

/** Makes the steps for the attributes of an inode, in the order given. */
export function* xattrSteps(
  inode: TreeInode,
  ino: number,
  path: ByteString,
  numbers: XattrNumbers,
  endian: Endian,
): Generator<WriteStep> {
  for (const [fullName, value] of inode.xattrs) {
    const split = splitXattrName(fullName);
    if (!split) refuse(path, 'attribute', 'user, security, trusted and ACLs', textOf(fullName));
    const { xprefix, rest } = split;
    const stored = isAcl(xprefix) ? encodeAcl(value, endian) : value;
    if (!stored) refuse(path, 'value of', 'a POSIX ACL', textOf(fullName));
    if (rest.length > 255) refuse(path, 'attribute name of', 'at most 255 bytes', rest.length);
    if (stored.length > U16_MAX) refuse(path, 'attribute value of', 'at most 65535 bytes', stored.length);
    const { xid, isNew } = numbers.number(xprefix, rest, stored);
    if (isNew) {
      yield { kind: 'xattr', fields: { xid, version: 1, xprefix, name: rest, value: stored }, path };
    }
    yield { kind: 'xref', fields: { ino, xid, xseqno: numbers.nextSeqno() } };
  }
}

/** Settings of a plan. */
export interface PlanOptions {
  readonly endian: Endian;
  /** Later times are set to this, in seconds: SOURCE_DATE_EPOCH. */
  readonly maxTime?: number | undefined;
}

/**
 * Plans an image: root first, then each directory complete before its children's contents, names by raw bytes.
 *
 * Directories get a version above those of their names, so that Linux shows their own time.
 *
 * @throws FormatError FW_JFFS2_LIMIT for what JFFS2 cannot hold
 */
export function* planImage(root: TreeDirectory, options: PlanOptions): Generator<WriteStep> {
  const numbers = new Map<TreeInode, number>([[root, ROOT_INO]]);
  const xattrs = new XattrNumbers();
  const { endian } = options;
  const rootPath = '/' as ByteString;
  yield* inodeSteps(root, ROOT_INO, rootPath, options);
  yield* xattrSteps(root, ROOT_INO, rootPath, xattrs, endian);
  const queue: { directory: TreeDirectory; path: ByteString; ino: number }[] = [];
  queue.push({ directory: root, path: rootPath, ino: ROOT_INO });
  for (let step = queue.pop(); step; step = queue.pop()) {
    const { directory, path: parentPath, ino: pino } = step;
    const mctime = seconds(directory, parentPath, options);
    const subdirectories: typeof queue = [];
    let version = 0;
    for (const name of [...directory.entries.keys()].sort(compareBytes)) {
      const inode = directory.entries.get(name);
      if (!inode) continue;
      const path = joinPath(parentPath, name);
      if (name.length === 0 || name.length > JFFS2_NAME_MAX) {
        refuse(path, 'name of', `1 to ${JFFS2_NAME_MAX} bytes`, name.length);
      }
      if (/[/\0]/.test(name) || name === '.' || name === '..')
        refuse(path, 'name', 'no such name', textOf(name));
      const known = numbers.get(inode);
      const ino = known ?? numbers.size + 1;
      version += 1;
      const fields = { pino, version, ino, mctime, type: direntType(typeBits[inode.type]), name };
      yield { kind: 'dirent', fields };
      if (known !== undefined) {
        if (inode.type === 'directory') refuse(path, 'directory with', 'one name each', 'two names');
        continue;
      }
      numbers.set(inode, ino);
      yield* inodeSteps(inode, ino, path, options);
      yield* xattrSteps(inode, ino, path, xattrs, endian);
      if (inode.type === 'directory') subdirectories.push({ directory: inode, path, ino });
    }
    queue.push(...subdirectories.reverse());
  }
}

function* inodeSteps(
  inode: TreeInode,
  ino: number,
  path: ByteString,
  options: PlanOptions,
): Generator<WriteStep> {
  const template = templateOf(inode, ino, path, options);
  switch (inode.type) {
    case 'file':
      yield { kind: 'file', template, content: inode.content, path };
      break;
    case 'directory':
      yield { kind: 'inode', template, version: inode.entries.size + 1, data: NO_DATA };
      break;
    case 'symlink':
      yield { kind: 'inode', template, version: 1, data: bytesOf(inode.target) };
      break;
    case 'char':
    case 'block': {
      const { major, minor } = inode.rdev;
      if (major > 0xfff || minor > 0xfffff) refuse(path, 'device', '12 and 20 bits', `${major}:${minor}`);
      yield { kind: 'inode', template, version: 1, data: encodeDevice(inode.rdev, options.endian) };
      break;
    }
    case 'fifo':
    case 'socket':
      yield { kind: 'inode', template, version: 1, data: NO_DATA };
      break;
  }
}

function templateOf(inode: TreeInode, ino: number, path: ByteString, options: PlanOptions): InodeTemplate {
  const { uid, gid } = inode;
  if (uid > U16_MAX || gid > U16_MAX) refuse(path, 'owner', 'ids up to 65535', `${uid}:${gid}`);
  const time = seconds(inode, path, options);
  return {
    ...{ ino, mode: typeBits[inode.type] | inode.mode, uid, gid },
    ...{ isize: sizeOf(inode, path), atime: time, mtime: time, ctime: time },
  };
}

function sizeOf(inode: TreeInode, path: ByteString): number {
  if (inode.type === 'file') {
    if (inode.content.size > U32_MAX) refuse(path, 'file of', 'less than 4 GiB', inode.content.size);
    return inode.content.size;
  }
  if (inode.type !== 'symlink') return 0;
  const { length } = inode.target;
  if (length === 0 || length > JFFS2_NAME_MAX) {
    refuse(path, 'symlink target of', `1 to ${JFFS2_NAME_MAX} bytes`, length);
  }
  return length;
}

function seconds(inode: TreeInode, path: ByteString, options: PlanOptions): number {
  const whole = inode.mtimeNs / NS_PER_SECOND - (inode.mtimeNs % NS_PER_SECOND < 0n ? 1n : 0n);
  const time = Number(whole);
  const clamped = options.maxTime === undefined ? time : Math.min(time, options.maxTime);
  if (clamped < 0 || clamped > U32_MAX) refuse(path, 'time', 'seconds from 1970 to 2106', time);
  return clamped;
}
