/**
 * The collector: checks inodes after a mount, erases what waits, moves live nodes out of a block until it can be erased.
 *
 * One call is one pass of the kernel's collector thread (jffs2-format.md 14; Linux 6.1 fs/jffs2/gc.c).
 */
import { FsError } from '../vfs/index.js';
import type { EraseBlock, NodeRef } from './mount-block.js';
import { readContent, writeData } from './mount-file.js';
import type { DataNode, Fragment } from './mount-fragments.js';
import type { Dirent, InodeRecord, LiveInode } from './mount-inode.js';
import { checkInode, loadInode, readInodeNode, readNode } from './mount-load.js';
import { metadataContent, reserveFor, setMetadata, writeDirent, writeInode } from './mount-node.js';
import { isDirty, MIN_DATA_LENGTH } from './mount-space.js';
import type { Volume } from './mount-volume.js';
import type { XattrDatum, XattrRef } from './mount-xattr.js';
import {
  comprNumbers,
  CPU_PAGE_SIZE,
  DIRENT_SIZE,
  INODE_SIZE,
  padToNode,
  SUMMARY_INODE_SIZE,
} from './node-layout.js';
import { inodeDataIsValid, parseNode } from './node-parse.js';
import type { Jffs2Node } from './node-parse.js';

const PAGE_MASK = ~(CPU_PAGE_SIZE - 1);

/**
 * Makes one pass.
 *
 * @throws FsError EIO when there is nothing to collect, ENOSPC when collection itself finds no space
 */
export function collectOnce(volume: Volume): void {
  const { space } = volume;
  if (space.sums.unchecked > 0 && checkNextInode(volume)) return;
  if (space.eraseOne((owner) => volume.forget(owner))) return;
  const block = space.collected ?? space.chooseCollected();
  if (!block) {
    if (space.erasingCount > 0) return;
    throw new FsError('EIO', 'jffs2');
  }
  if (block.used > 0) moveOne(volume, block);
  const { collected } = space;
  if (collected?.used === 0) {
    space.collected = undefined;
    space.queueErase(collected);
  }
}

/** Checks the next inode or attribute; false when all are checked. */
function checkNextInode(volume: Volume): boolean {
  if (volume.xattrs.checkOne()) return true;
  while (volume.checkNext <= volume.highestIno) {
    const record = volume.inodes.get(volume.checkNext);
    volume.checkNext += 1;
    if (record?.nlink === 0) volume.xattrs.dropAll(record);
    else if (record?.state === 'unchecked') {
      checkInode(volume, record);
      return true;
    }
  }
  throw new FsError('ENOSPC', 'jffs2');
}

/** Moves the next live node of a block. */
function moveOne(volume: Volume, block: EraseBlock): void {
  let ref = block.nodes[block.collectFrom];
  while (ref?.state === 'obsolete') {
    block.collectFrom += 1;
    ref = block.nodes[block.collectFrom];
  }
  if (!ref) throw new FsError('EIO', 'jffs2');
  const { owner } = ref;
  if (!owner) {
    if (ref.state === 'pristine') copyNode(volume, ref, 'copied');
    else volume.space.markObsolete(ref);
  } else if (isXattr(owner)) volume.xattrs.collectDatum(volume.writer, owner, ref);
  else if (isXref(owner)) volume.xattrs.collectRef(volume.writer, owner, ref);
  else if (isInode(owner)) moveInodeNode(volume, owner, ref);
}

function isXattr(owner: { readonly kind: string }): owner is XattrDatum {
  return owner.kind === 'xattr';
}
function isXref(owner: { readonly kind: string }): owner is XattrRef {
  return owner.kind === 'xref';
}
function isInode(owner: { readonly kind: string }): owner is InodeRecord {
  return owner.kind === 'inode';
}

function moveInodeNode(volume: Volume, record: InodeRecord, ref: NodeRef): void {
  if (!record.live && ref.state === 'pristine' && copyNode(volume, ref, 'absent')) return;
  const live = loadInode(volume, record);
  if (ref.state === 'obsolete') return;
  if (live.metadata?.ref === ref) {
    moveMetadata(volume, live);
    return;
  }
  const shown = live.fragments.all.filter((fragment) => fragment.node?.ref === ref);
  const node = shown[0]?.node;
  if (node) {
    moveData(volume, live, node, shown);
    return;
  }
  const dirent = live.names.byNode(ref);
  if (!dirent) {
    volume.notices.push(`Raw node at 0x${(ref.block.offset + ref.offset).toString(16)} wasn't in node lists`);
    volume.space.markObsolete(ref);
  } else if (dirent.ino !== 0) moveDirent(volume, live, dirent);
  else moveDeletion(volume, live, dirent);
}

/**
 * Copies a node byte for byte, with its version, after checking it again.
 *
 * @returns false when it does not fit as it is or is damaged: the slow way then decides
 */
function copyNode(volume: Volume, ref: NodeRef, kind: 'copied' | 'absent' | 'present'): boolean {
  const length = ref.length;
  const small = INODE_SIZE + MIN_DATA_LENGTH;
  // A whole estimate of the summary entry, as the kernel makes it.
  const room = volume.writer.reserveForCollector(
    kind === 'copied' ? length : Math.min(length, small),
    length,
  );
  if (room < length) return false;
  const bytes = readNode(volume, ref);
  const node = parseNode(bytes, 0, bytes.length, volume.rules.endian);
  if (node.kind === 'fault' || !node.accurate) return false;
  if (node.kind === 'inode' && node.dsize > 0 && !inodeDataIsValid(bytes, node)) return false;
  if (kind !== 'copied' && node.kind !== 'inode' && node.kind !== 'dirent') return false;
  volume.writer.write({ bytes, state: 'pristine', owner: ref.owner, entry: entryOf(node) }, () =>
    volume.writer.reserveForCollector(length, length),
  );
  volume.space.markObsolete(ref);
  return true;
}

function entryOf(node: Jffs2Node): Parameters<Volume['writer']['write']>[0]['entry'] {
  const { totlen } = node;
  switch (node.kind) {
    case 'inode':
      return { kind: 'inode', ino: node.ino, version: node.version, totlen };
    case 'dirent': {
      const { pino, version, ino, type, name } = node;
      return { kind: 'dirent', pino, version, ino, type, name, totlen };
    }
    default:
      return undefined;
  }
}

function moveMetadata(volume: Volume, live: LiveInode): void {
  const data = metadataContent(volume, live);
  reserveFor(volume, 'collector', INODE_SIZE + data.length, SUMMARY_INODE_SIZE);
  const isize = live.fragments.all.length > 0 ? live.fragments.end : live.size;
  const part = { offset: 0, dsize: data.length, isize, compr: comprNumbers.none, data };
  setMetadata(volume, live, writeInode(volume, live, part, 'collector'));
}

function moveData(volume: Volume, live: LiveInode, node: DataNode, shown: readonly Fragment[]): void {
  const { ref } = node;
  if (ref.state === 'pristine' && copyNode(volume, ref, 'present')) {
    const copy = live.record.nodes[0];
    if (copy) node.ref = copy;
    return;
  }
  const start = shown[0]?.offset ?? node.offset;
  const last = shown.at(-1);
  const end = last ? last.offset + last.size : node.offset + node.size;
  if ((start & PAGE_MASK) >>> 0 !== ((end - 1) & PAGE_MASK) >>> 0) moveHole(volume, live, node, start, end);
  else moveInPage(volume, live, start, end);
}

/** Writes a hole again. What crosses a page border counts as a hole, whatever it held: the kernel's rule. */
function moveHole(volume: Volume, live: LiveInode, node: DataNode, start: number, end: number): void {
  const old = node.fragments > 1 ? readInodeNode(volume, node.ref) : undefined;
  // A hole with something newer in its middle must stay older than that.
  const keep = old?.compr === comprNumbers.zero ? old : undefined;
  const isize = live.fragments.all.length > 0 ? live.fragments.end : live.size;
  reserveFor(volume, 'collector', INODE_SIZE, SUMMARY_INODE_SIZE);
  const part = {
    offset: keep ? keep.offset : start,
    dsize: keep ? keep.dsize : end - start,
    isize,
    compr: comprNumbers.zero,
    data: new Uint8Array(),
    ...(keep ? { version: keep.version } : {}),
  };
  const newest = !keep || keep.version === live.highestVersion;
  const moved = writeInode(volume, live, part, 'collector');
  if (newest) {
    live.fragments.add(moved);
    if (live.metadata) setMetadata(volume, live, undefined);
    return;
  }
  moved.ref.state = 'normal';
  live.fragments.replace(node, moved);
  volume.space.markObsolete(node.ref);
}

/** Writes a range of one page again, with neighbours when there is room to merge. */
function moveInPage(volume: Volume, live: LiveInode, start: number, end: number): void {
  const { space } = volume;
  const range =
    space.availableBlocks > space.reserves.gcMergeBlocks ? widen(volume, live, start, end) : { start, end };
  const content = readContent(volume, live, range.start, range.end - range.start);
  let at = range.start;
  while (at < end) {
    const room = reserveFor(volume, 'collector', INODE_SIZE + MIN_DATA_LENGTH, SUMMARY_INODE_SIZE);
    at += writeData(volume, live, at, content.subarray(at - range.start), room, live.size, 'collector');
  }
}

/** Grows a range over its neighbours in the page: small ones always, one at the page border if its block is dirty. */
function widen(volume: Volume, live: LiveInode, start: number, end: number): { start: number; end: number } {
  const page = start - (start % CPU_PAGE_SIZE);
  const pageEnd = page + CPU_PAGE_SIZE;
  const { all } = live.fragments;
  let low = start;
  for (let i = live.fragments.indexAt(start) - 1; i >= 0; i -= 1) {
    const fragment = all[i];
    if (!fragment || fragment.offset < page) break;
    if (fragment.offset > page) {
      low = fragment.offset;
      continue;
    }
    if (isWorthMerging(volume, fragment)) low = fragment.offset;
    break;
  }
  let high = end;
  for (let i = live.fragments.indexAt(end - 1) + 1; i < all.length; i += 1) {
    const fragment = all[i];
    if (!fragment || fragment.offset + fragment.size > pageEnd) break;
    if (fragment.offset + fragment.size < pageEnd) {
      high = fragment.offset + fragment.size;
      continue;
    }
    if (isWorthMerging(volume, fragment)) high = fragment.offset + fragment.size;
    break;
  }
  return { start: low, end: high };
}

function isWorthMerging(volume: Volume, fragment: Fragment): boolean {
  const block = fragment.node?.ref.block;
  if (!block) return false;
  return block === volume.space.collected || isDirty(block.dirty + block.wasted);
}

function moveDirent(volume: Volume, live: LiveInode, { name, ino, type }: Dirent): void {
  const mctime = live.mtime === live.ctime ? live.mtime : 0;
  writeDirent(volume, live, { name, ino, type, mctime }, 'collector');
}

/** Writes a deletion again while an older dirent of its name is on flash in another block; else drops it. */
function moveDeletion(volume: Volume, live: LiveInode, dirent: Dirent): void {
  if (!volume.space.obsoleteInPlace && isStillNeeded(volume, live.record, dirent)) {
    moveDirent(volume, live, dirent);
    return;
  }
  live.names.forget(dirent.name);
  volume.space.markObsolete(dirent.ref);
}

function isStillNeeded(volume: Volume, record: InodeRecord, dirent: Dirent): boolean {
  const length = padToNode(DIRENT_SIZE + dirent.name.length);
  return record.nodes.some((ref) => {
    if (ref.state !== 'obsolete' || ref.length !== length || ref.block === dirent.ref.block) return false;
    try {
      const bytes = readNode(volume, ref);
      const node = parseNode(bytes, 0, bytes.length, volume.rules.endian);
      return node.kind === 'dirent' && node.accurate && node.ino !== 0 && node.name === dirent.name;
    } catch (error) {
      if (error instanceof FsError) return false;
      throw error;
    }
  });
}
