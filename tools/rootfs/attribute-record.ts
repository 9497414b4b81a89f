/**
 * The record beside an unpacked tree: what a folder of a plain user cannot hold (owners, special modes, device nodes,
 * extended attributes, exact times), and what tells later whether something was edited.
 *
 * Users may edit it: it decides owners, times, attributes and nodes. Permission bits that were changed on the folder, with
 * chmod, win over the record.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import type { z as Zod } from 'zod';
import { byteString, byteStringFromText, bytesOf, textOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { walkTree } from '../vfs/index.js';
import type { TreeDirectory, TreeInode } from '../vfs/index.js';
import { findInode, findParent } from './tree-path.js';

const second = 1_000_000_000n;

/** Makes the shape of the record. zod is loaded here, not with the file: that takes as long as packing a small tree. */
export function attributeRecordSchema() {
  const { z } = createRequire(import.meta.url)('zod') as { readonly z: typeof Zod };
  const id = z.int().min(0).max(0xffff_fffe);
  const entry = z.strictObject({
    /** Absolute in the tree. */
    path: z.string().startsWith('/').optional(),
    /** In place of `path` for one that is not UTF-8: its bytes in hexadecimal. */
    pathBytes: z
      .string()
      .regex(/^2f([0-9a-f]{2})*$/)
      .optional(),
    type: z.enum(['directory', 'file', 'symlink', 'char', 'block', 'fifo', 'socket']),
    mode: z.string().regex(/^[0-7]{4}$/),
    uid: id,
    gid: id,
    /** Seconds since 1970, with nanoseconds behind the dot where there are any. */
    mtime: z.string().regex(/^-?\d+(\.\d{9})?$/),
    device: z
      .string()
      .regex(/^\d+:\d+$/)
      .optional(),
    /** Path of the first name of the same object; `hardLinkBytes` where it is not UTF-8. */
    hardLink: z.string().optional(),
    hardLinkBytes: z
      .string()
      .regex(/^2f([0-9a-f]{2})*$/)
      .optional(),
    sha256: z.string().optional(),
    target: z.string().optional(),
    xattrs: z.record(z.string(), z.string().regex(/^0x([0-9a-f]{2})*$/)).optional(),
  });

  return z.strictObject({
    schemaVersion: z.literal(1),
    /** In the order of a walk, the root first. */
    entries: z.array(entry),
  });
}

/** What is recorded of a tree. */
export type AttributeRecord = Zod.output<ReturnType<typeof attributeRecordSchema>>;
type Entry = AttributeRecord['entries'][number];

/** Records a tree; contents are read once, for their hash. */
export function recordTree(root: TreeDirectory): AttributeRecord {
  const firstNames = new Map<TreeInode, ByteString>();
  const entries = [entryOf('/' as ByteString, root, undefined)];
  for (const { path, inode } of walkTree(root)) {
    const first = firstNames.get(inode);
    if (first === undefined) firstNames.set(inode, path);
    entries.push(entryOf(path, inode, first));
  }
  return { schemaVersion: 1, entries };
}

/** Writes a record as JSON with one name a line, so that it can be read, edited and compared. */
export function formatRecord({ entries }: AttributeRecord): string {
  const lines = entries.map((entry) => JSON.stringify(entry)).join(',\n');
  return `{"schemaVersion": 1, "entries": [\n${lines}\n]}\n`;
}

function entryOf(path: ByteString, inode: TreeInode, first: ByteString | undefined): Entry {
  const { type, mode, uid, gid, mtimeNs, xattrs } = inode;
  const rest = ((mtimeNs % second) + second) % second;
  const seconds = (mtimeNs - rest) / second;
  return {
    ...pathFields(path),
    type,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    mtime: rest === 0n ? String(seconds) : `${seconds}.${String(rest).padStart(9, '0')}`,
    ...(inode.type === 'char' || inode.type === 'block'
      ? { device: `${inode.rdev.major}:${inode.rdev.minor}` }
      : {}),
    ...(first === undefined ? {} : linkFields(first)),
    ...(inode.type === 'file' && first === undefined ? { sha256: contentHash(inode) } : {}),
    ...(inode.type === 'symlink' ? { target: textOf(inode.target) } : {}),
    ...(xattrs.size === 0
      ? {}
      : { xattrs: Object.fromEntries([...xattrs].map(([name, value]) => [utf8Of(name), hex(value)])) }),
  };
}

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;

/** The text of a name with every character of it, where `textOf` would write some in another way. */
const utf8Of = (name: ByteString): string => Buffer.from(bytesOf(name)).toString('utf8');
const isUtf8 = (name: ByteString): boolean => byteStringFromText(utf8Of(name)) === name;
const hexOf = (name: ByteString): string => Buffer.from(bytesOf(name)).toString('hex');
const fromHex = (digits: string): ByteString => byteString(Buffer.from(digits, 'hex'));

function pathFields(path: ByteString): Pick<Entry, 'path' | 'pathBytes'> {
  return isUtf8(path) ? { path: utf8Of(path) } : { pathBytes: hexOf(path) };
}

function linkFields(first: ByteString): Pick<Entry, 'hardLink' | 'hardLinkBytes'> {
  return isUtf8(first) ? { hardLink: utf8Of(first) } : { hardLinkBytes: hexOf(first) };
}

function pathOf({ path, pathBytes = '2f' }: Entry): ByteString {
  return path === undefined ? fromHex(pathBytes) : byteStringFromText(path);
}

function hardLinkOf({ hardLink, hardLinkBytes }: Entry): ByteString | undefined {
  if (hardLinkBytes !== undefined) return fromHex(hardLinkBytes);
  return hardLink === undefined ? undefined : byteStringFromText(hardLink);
}

const hashPiece = 1024 ** 2;

function contentHash(inode: TreeInode): string {
  const hash = createHash('sha256');
  if (inode.type !== 'file') return '';
  for (let at = 0; at < inode.content.size; at += hashPiece) hash.update(inode.content.read(at, hashPiece));
  return hash.digest('hex');
}

/** What differs between a folder and the record of what it was unpacked as. */
export interface TreeChanges {
  readonly added: readonly ByteString[];
  readonly removed: readonly ByteString[];
  /** Contents, targets, types, or permission bits. */
  readonly changed: readonly ByteString[];
}

/** Permission bits that a folder gets for a recorded mode: its owner can always read and write. */
export function hostMode(type: TreeInode['type'], mode: number): number {
  return (mode & 0o777) | (type === 'directory' ? 0o700 : 0o600);
}

/**
 * Gives a tree that was read from a folder what the record knows of it, and says what was edited.
 *
 * Nodes that a plain user cannot make come back; names that are in neither come with owner root, modes as OpenWrt's image
 * build gives them, and the time given.
 *
 * @param root     as read from the folder with its attributes kept; changed in place
 * @param mtimeNs  time of what was added or edited
 */
export function applyRecord(root: TreeDirectory, record: AttributeRecord, mtimeNs: bigint): TreeChanges {
  const removed: ByteString[] = [];
  const changed = new Set<ByteString>();
  const known = new Set<TreeInode>();
  const recorded = new Set<ByteString>();
  const unedited = new Map<ByteString, TreeInode>();
  for (const entry of record.entries) {
    const path = pathOf(entry);
    recorded.add(path);
    const found = path === '/' ? root : findInode(root, path);
    const place = findParent(root, path);
    if (found === undefined && place !== undefined && isNode(entry)) {
      const made = nodeOf(entry);
      place.directory.entries.set(place.name, made);
      known.add(made);
      continue;
    }
    if (found === undefined) {
      removed.push(path);
      continue;
    }
    if (found.type !== entry.type) {
      changed.add(path);
      continue;
    }
    const first = hardLinkOf(entry);
    const original = first === undefined ? undefined : unedited.get(first);
    if (known.has(found) && original !== found) continue;
    const isEdited = applyEntry(found, entry, record, mtimeNs);
    known.add(found);
    if (isEdited) changed.add(path);
    else if (original !== undefined && place !== undefined) place.directory.entries.set(place.name, original);
    else unedited.set(path, found);
  }
  const added = [...walkTree(root)].flatMap(({ path }) => (recorded.has(path) ? [] : [path]));
  for (const { inode } of walkTree(root)) if (!known.has(inode)) makeClean(inode, mtimeNs);
  return { added, removed, changed: [...changed] };
}

/** The latest time of a record. */
export function latestTime({ entries }: AttributeRecord): bigint {
  return entries.map((entry) => attributesOf(entry).mtimeNs).reduce((a, b) => (b > a ? b : a), 0n);
}

const isNode = ({ type }: Entry): boolean => !['directory', 'file', 'symlink'].includes(type);

function attributesOf(entry: Entry): Pick<TreeInode, 'mode' | 'uid' | 'gid' | 'mtimeNs' | 'xattrs'> {
  const [seconds = '0', rest = '0'] = entry.mtime.split('.');
  return {
    mode: Number.parseInt(entry.mode, 8),
    uid: entry.uid,
    gid: entry.gid,
    mtimeNs: BigInt(seconds) * second + BigInt(rest),
    xattrs: new Map(
      Object.entries(entry.xattrs ?? {}).map(([name, value]) => [
        byteStringFromText(name),
        new Uint8Array(Buffer.from(value.slice(2), 'hex')),
      ]),
    ),
  };
}

function nodeOf(entry: Entry): TreeInode {
  const attributes = attributesOf(entry);
  const [major = 0, minor = 0] = (entry.device ?? '').split(':').map(Number);
  return entry.type === 'char' || entry.type === 'block'
    ? { type: entry.type, ...attributes, rdev: { major, minor } }
    : { type: entry.type === 'socket' ? 'socket' : 'fifo', ...attributes };
}

/** Gives one object what is recorded of it; true when it was edited. */
function applyEntry(inode: TreeInode, entry: Entry, record: AttributeRecord, mtimeNs: bigint): boolean {
  const hostBits = inode.mode & 0o777;
  Object.assign(inode, attributesOf(entry));
  const isModeEdited =
    (inode.type === 'file' || inode.type === 'directory') && hostBits !== hostMode(inode.type, inode.mode);
  if (isModeEdited) inode.mode = (inode.mode & 0o7000) | hostBits;
  const isContentEdited =
    (inode.type === 'file' && contentHash(inode) !== hashOf(entry, record)) ||
    (inode.type === 'symlink' && textOf(inode.target) !== entry.target);
  if (isContentEdited) inode.mtimeNs = mtimeNs;
  return isModeEdited || isContentEdited;
}

/** A hard link has the content of the first name. */
function hashOf(entry: Entry, { entries }: AttributeRecord): string | undefined {
  const first = hardLinkOf(entry);
  if (first === undefined) return entry.sha256;
  return entries.find((other) => pathOf(other) === first)?.sha256;
}

/** Attributes of what a user put into the folder. */
function makeClean(inode: TreeInode, mtimeNs: bigint): void {
  const isRunnable = inode.type === 'directory' || (inode.mode & 0o100) !== 0;
  const capability = inode.xattrs.get('security.capability' as ByteString);
  Object.assign(inode, {
    uid: 0,
    gid: 0,
    mtimeNs,
    mode: inode.type === 'symlink' ? 0o777 : (inode.mode & 0o6000) | (isRunnable ? 0o755 : 0o644),
    xattrs: new Map(capability === undefined ? [] : [['security.capability', capability]]),
  });
}
