/**
 * The collector: checks inodes after a mount, erases what waits, moves live nodes out of a block until it can be erased.
 *
 * One call is one pass of the kernel's collector thread (jffs2-format.md 14; Linux 6.1 fs/jffs2/gc.c).
 */
import { FsError } from '../../vfs/index.js';
import type { Operation, Task } from '../../vfs/index.js';
import type { EraseBlock, NodeRef } from './block.js';
import { dataNeed, readLocked, writeData } from './file.js';
import type { DataNode, Fragment } from './fragments.js';
import type { Dirent, InodeRecord, LiveInode } from './inode.js';
import { checkInode, loadLocked, readInodeNode, readNode } from './load.js';
import { acquire, locked } from './locks.js';
import { metadataNeed, setMetadata, writeDirent, writeInode, writeMetadata, writing } from './node.js';
import { isDirty, MIN_DATA_LENGTH } from './space.js';
import type { Volume } from './volume.js';
import type { EncodedNode } from './write.js';
import type { XattrDatum, XattrRef } from './xattr-nodes.js';
import {
  comprNumbers,
  CPU_PAGE_SIZE,
  DIRENT_SIZE,
  INODE_SIZE,
  padToNode,
  SUMMARY_INODE_SIZE,
} from '../node/layout.js';
import { inodeDataIsValid, parseNode } from '../node/parse.js';
import type { Jffs2Node } from '../node/parse.js';

const PAGE_MASK = ~(CPU_PAGE_SIZE - 1);

/**
 * Makes one pass. Allocation is held but for an erase, so that passes come one after the other and between the nodes of others.
 *
 * @throws FsError EIO when there is nothing to collect, ENOSPC when collection itself finds no space
 */
export function* collectOnce(volume: Volume, task: Task): Operation<void> {
  const { space } = volume;
  const { allocation } = volume.writer;
  yield* acquire(task, allocation);
  try {
    if (space.sums.unchecked > 0 && (yield* checkNextInode(volume, task))) return;
    if (space.erasePending.length > 0 && (yield* withoutAllocation(volume, task, eraseOne))) return;
    const block = space.collected ?? space.chooseCollected();
    if (!block) {
      if (space.erasingCount === 0) throw new FsError('EIO', 'jffs2');
      // All that is left is what another task erases.
      yield* withoutAllocation(volume, task, waitForErase);
      return;
    }
    if (block.used > 0) yield* moveOne(volume, task, block);
    const { collected } = space;
    if (collected?.used === 0) {
      space.collected = undefined;
      space.queueErase(collected);
    }
  } finally {
    allocation.release(task);
  }
}

function* withoutAllocation<T>(
  volume: Volume,
  task: Task,
  body: (volume: Volume, task: Task) => Operation<T>,
): Operation<T> {
  const { allocation } = volume.writer;
  allocation.release(task);
  try {
    return yield* body(volume, task);
  } finally {
    yield* acquire(task, allocation);
  }
}

function eraseOne(volume: Volume, task: Task): Operation<boolean> {
  return volume.space.eraseOne(task, (owner) => volume.forget(owner));
}

function waitForErase({ space }: Volume, task: Task): Operation<void> {
  return space.erasedByOther(task);
}

/** Checks the next inode or attribute; false when others checked the last ones meanwhile. */
function* checkNextInode(volume: Volume, task: Task): Operation<boolean> {
  if (yield* volume.xattrs.checkOne(task)) return true;
  while (volume.checkNext <= volume.highestIno) {
    const record = volume.inodes.get(volume.checkNext);
    volume.checkNext += 1;
    if (!record) continue;
    if (record.nlink === 0) yield* volume.xattrs.dropAll(task, record);
    else if (record.state === 'unchecked' && (yield* checkInode(volume, task, record))) return true;
  }
  if (volume.space.sums.unchecked > 0) throw new FsError('ENOSPC', 'jffs2');
  return false;
}

/** Moves the next live node of a block. */
function* moveOne(volume: Volume, task: Task, block: EraseBlock): Operation<void> {
  let ref = block.nodes[block.collectFrom];
  while (ref?.state === 'obsolete') {
    block.collectFrom += 1;
    ref = block.nodes[block.collectFrom];
  }
  if (!ref) throw new FsError('EIO', 'jffs2');
  const { owner } = ref;
  const { writer, xattrs } = volume;
  if (!owner) {
    if (ref.state === 'pristine') yield* copyNode(volume, task, ref, 'copied');
    else volume.space.markObsolete(ref);
  } else if (isXattr(owner)) yield* xattrs.collectDatum(writer, task, owner, ref);
  else if (isXref(owner)) yield* xattrs.collectRef(writer, task, owner, ref);
  else if (isInode(owner)) yield* moveInodeNode(volume, task, owner, ref);
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

function moveInodeNode(volume: Volume, task: Task, record: InodeRecord, ref: NodeRef): Operation<void> {
  return locked(task, record.content, () => moveLocked(volume, task, record, ref));
}

function* moveLocked(volume: Volume, task: Task, record: InodeRecord, ref: NodeRef): Operation<void> {
  // Whoever had the inode before may have replaced or removed it.
  if (ref.state === 'obsolete') return;
  if (!record.live && ref.state === 'pristine' && (yield* copyNode(volume, task, ref, 'absent'))) return;
  const live = yield* loadLocked(volume, task, record);
  if (isObsolete(ref)) return;
  if (live.metadata?.ref === ref) {
    yield* moveMetadata(volume, task, live);
    return;
  }
  const shown = live.fragments.all.filter((fragment) => fragment.node?.ref === ref);
  const node = shown[0]?.node;
  if (node) {
    yield* moveData(volume, task, live, node, shown);
    return;
  }
  const dirent = live.names.byNode(ref);
  if (!dirent) {
    volume.notices.push(`Raw node at 0x${(ref.block.offset + ref.offset).toString(16)} wasn't in node lists`);
    volume.space.markObsolete(ref);
  } else if (dirent.ino !== 0) yield* moveDirent(volume, task, live, dirent);
  else yield* moveDeletion(volume, task, live, dirent);
}

/** Asked again after a stop, when what the compiler knows of the state is out of date. */
function isObsolete(ref: NodeRef): boolean {
  return ref.state === 'obsolete';
}

/**
 * Copies a node byte for byte, with its version, after checking it again.
 *
 * @returns false when it does not fit as it is or is damaged: the slow way then decides
 */
function* copyNode(
  volume: Volume,
  task: Task,
  ref: NodeRef,
  kind: 'copied' | 'absent' | 'present',
): Operation<boolean> {
  const length = ref.length;
  const small = INODE_SIZE + MIN_DATA_LENGTH;
  // A whole estimate of the summary entry, as the kernel makes it.
  const room = yield* volume.writer.reserveForCollector(
    task,
    kind === 'copied' ? length : Math.min(length, small),
    length,
  );
  if (room < length) return false;
  const bytes = yield* readNode(volume, task, ref);
  const node = parseNode(bytes, 0, bytes.length, volume.rules.endian);
  if (node.kind === 'fault' || !node.accurate) return false;
  if (node.kind === 'inode' && node.dsize > 0 && !inodeDataIsValid(bytes, node)) return false;
  if (kind !== 'copied' && node.kind !== 'inode' && node.kind !== 'dirent') return false;
  const encode = (): EncodedNode => ({ bytes, entry: entryOf(node) });
  yield* volume.writer.write(task, { state: 'pristine', owner: ref.owner, encode }, () =>
    volume.writer.reserveForCollector(task, length, length),
  );
  volume.space.markObsolete(ref);
  return true;
}

function entryOf(node: Jffs2Node): EncodedNode['entry'] {
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

function moveMetadata(volume: Volume, task: Task, live: LiveInode): Operation<void> {
  const isize = live.fragments.all.length > 0 ? live.fragments.end : live.size;
  return writing(volume, task, live, 'collector', metadataNeed(volume, live), () =>
    writeMetadata(volume, task, live, isize, 'collector'),
  );
}

function* moveData(
  volume: Volume,
  task: Task,
  live: LiveInode,
  node: DataNode,
  shown: readonly Fragment[],
): Operation<void> {
  const { ref } = node;
  if (ref.state === 'pristine' && (yield* copyNode(volume, task, ref, 'present'))) {
    const copy = live.record.nodes[0];
    if (copy) node.ref = copy;
    return;
  }
  const start = shown[0]?.offset ?? node.offset;
  const last = shown.at(-1);
  const end = last ? last.offset + last.size : node.offset + node.size;
  if ((start & PAGE_MASK) >>> 0 !== ((end - 1) & PAGE_MASK) >>> 0)
    yield* moveHole(volume, task, live, node, start, end);
  else yield* moveInPage(volume, task, live, start, end);
}

/** Writes a hole again. What crosses a page border counts as a hole, whatever it held: the kernel's rule. */
function* moveHole(
  volume: Volume,
  task: Task,
  live: LiveInode,
  node: DataNode,
  start: number,
  end: number,
): Operation<void> {
  const old = node.fragments > 1 ? yield* readInodeNode(volume, task, node.ref) : undefined;
  // A hole with something newer in its middle must stay older than that.
  const keep = old?.compr === comprNumbers.zero ? old : undefined;
  const isize = live.fragments.all.length > 0 ? live.fragments.end : live.size;
  yield* volume.writer.reserveForCollector(task, INODE_SIZE, SUMMARY_INODE_SIZE);
  const part = {
    offset: keep ? keep.offset : start,
    dsize: keep ? keep.dsize : end - start,
    isize,
    compr: comprNumbers.zero,
    data: new Uint8Array(),
    ...(keep ? { version: keep.version } : {}),
  };
  const newest = !keep || keep.version === live.highestVersion;
  const moved = yield* writeInode(volume, task, live, part, 'collector');
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
function* moveInPage(
  volume: Volume,
  task: Task,
  live: LiveInode,
  start: number,
  end: number,
): Operation<void> {
  const { space } = volume;
  const range =
    space.availableBlocks > space.reserves.gcMergeBlocks ? widen(volume, live, start, end) : { start, end };
  const content = yield* readLocked(volume, task, live, range.start, range.end - range.start);
  let at = range.start;
  while (at < end) {
    const part = { offset: at, data: content.subarray(at - range.start), isize: live.size };
    at += yield* writing(volume, task, live, 'collector', dataNeed, (room) =>
      writeData(volume, task, live, part, room, 'collector'),
    );
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

function moveDirent(
  volume: Volume,
  task: Task,
  live: LiveInode,
  { name, ino, type }: Dirent,
): Operation<void> {
  const mctime = live.mtime === live.ctime ? live.mtime : 0;
  return writeDirent(volume, task, live, { name, ino, type, mctime }, 'collector');
}

/** Writes a deletion again while an older dirent of its name is on flash in another block; else drops it. */
function* moveDeletion(volume: Volume, task: Task, live: LiveInode, dirent: Dirent): Operation<void> {
  if (!volume.space.obsoleteInPlace && (yield* isStillNeeded(volume, task, live.record, dirent))) {
    yield* moveDirent(volume, task, live, dirent);
    return;
  }
  live.names.forget(dirent.name);
  volume.space.markObsolete(dirent.ref);
}

/** Looks at obsolete nodes, which an erase could take away at any moment but for its lock. */
function isStillNeeded(volume: Volume, task: Task, record: InodeRecord, dirent: Dirent): Operation<boolean> {
  const length = padToNode(DIRENT_SIZE + dirent.name.length);
  return locked(task, volume.space.eraseLock, function* () {
    for (const ref of record.nodes) {
      if (ref.state !== 'obsolete' || ref.length !== length || ref.block === dirent.ref.block) continue;
      if (yield* names(volume, task, ref, dirent.name)) return true;
    }
    return false;
  });
}

/** Tells whether a node is a dirent that gives a name to something. */
function* names(volume: Volume, task: Task, ref: NodeRef, name: Dirent['name']): Operation<boolean> {
  try {
    const bytes = yield* readNode(volume, task, ref);
    const node = parseNode(bytes, 0, bytes.length, volume.rules.endian);
    return node.kind === 'dirent' && node.accurate && node.ino !== 0 && node.name === name;
  } catch (error) {
    if (error instanceof FsError) return false;
    throw error;
  }
}
