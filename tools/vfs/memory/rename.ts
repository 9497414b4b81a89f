/** Rename in a file system in memory: what may replace what, and the three ways to move names. */
import type { ByteString } from '../../core/index.js';
import { FsError } from '../errno.js';
import type { Ino, RenameFlags } from '../file-system.js';
import type { MemoryDirectory, MemoryInode } from './inode.js';
import { touchInode } from './inode.js';
import type { InodeTable } from './inode-table.js';

/** Where an entry is and where it goes; both directories may be changed. */
export interface RenamePlaces {
  readonly from: MemoryDirectory;
  readonly name: ByteString;
  readonly to: MemoryDirectory;
  readonly newName: ByteString;
}

/** Renames an entry as renameat2(2) does; nothing has changed when it throws. */
export function renameEntry(
  table: InodeTable,
  places: RenamePlaces,
  flags: RenameFlags,
  nowNs: bigint,
): void {
  const { from, name, to, newName } = places;
  const { noreplace = false, exchange = false, whiteout = false } = flags;
  if (exchange && (noreplace || whiteout)) throw new FsError('EINVAL', 'rename', name);
  const sourceIno = from.entries.get(name)?.ino;
  if (sourceIno === undefined) throw new FsError('ENOENT', 'rename', name);
  const source = table.get(sourceIno, 'rename');
  const targetIno = to.entries.get(newName)?.ino;
  if (noreplace && targetIno !== undefined) throw new FsError('EEXIST', 'rename', newName);
  if (exchange && targetIno === undefined) throw new FsError('ENOENT', 'rename', newName);
  if (targetIno === undefined && to.nlink === 0) throw new FsError('ENOENT', 'rename', newName);
  const target = targetIno === undefined ? undefined : table.get(targetIno, 'rename');
  if (source.type === 'directory') checkNotBeneath(table, to, source.ino);
  if (exchange) {
    if (target?.type === 'directory') checkNotBeneath(table, from, target.ino);
    if (target && target !== source) exchangeEntries(table, places, source.ino, target.ino, nowNs);
    return;
  }
  if (source === target) return;
  if (target) checkReplaceable(source, target, newName);
  const mark = whiteout
    ? table.create({ type: 'char' }, { mode: 0, uid: 0, gid: 0 }, nowNs, 'rename')
    : undefined;
  moveEntry(places, table.edit(source.ino, 'rename'), mark, nowNs);
  if (target) table.dropName(table.edit(target.ino, 'rename'), nowNs);
}

/** Climbs from a directory to the root: a directory cannot move beneath itself. */
function checkNotBeneath(table: InodeTable, directory: MemoryDirectory, ancestor: Ino): void {
  for (let at: MemoryInode = directory; ;) {
    if (at.ino === ancestor) throw new FsError('EINVAL', 'rename');
    if (at.type !== 'directory' || at.nlink === 0 || at.parent === at.ino) return;
    at = table.get(at.parent, 'rename');
  }
}

function checkReplaceable(source: MemoryInode, target: MemoryInode, name: ByteString): void {
  if (target.type === 'directory') {
    if (source.type !== 'directory') throw new FsError('EISDIR', 'rename', name);
    if (target.entries.size > 0) throw new FsError('ENOTEMPTY', 'rename', name);
  } else if (source.type === 'directory') {
    throw new FsError('ENOTDIR', 'rename', name);
  }
}

function moveEntry(
  { from, name, to, newName }: RenamePlaces,
  moved: MemoryInode,
  mark: MemoryInode | undefined,
  nowNs: bigint,
): void {
  const entry = to.entries.get(newName);
  if (entry) entry.ino = moved.ino;
  else to.entries.set(newName, { ino: moved.ino, cookie: to.nextCookie++ });
  to.whiteouts?.delete(newName);
  const left = from.entries.get(name);
  if (mark && left) {
    left.ino = mark.ino;
    mark.nlink += 1;
  } else {
    from.entries.delete(name);
  }
  if (moved.type === 'directory') {
    moved.parent = to.ino;
    from.nlink -= 1;
    to.nlink += 1;
  }
  touchInode(from, nowNs);
  touchInode(to, nowNs);
  moved.ctimeNs = nowNs;
}

function exchangeEntries(
  table: InodeTable,
  { from, name, to, newName }: RenamePlaces,
  source: Ino,
  target: Ino,
  nowNs: bigint,
): void {
  const [left, right] = [from.entries.get(name), to.entries.get(newName)];
  if (!left || !right) throw new FsError('ENOENT', 'rename', name);
  left.ino = target;
  right.ino = source;
  touchInode(from, nowNs);
  touchInode(to, nowNs);
  for (const [ino, before, after] of [
    [source, from, to],
    [target, to, from],
  ] as const) {
    const inode = table.edit(ino, 'rename');
    inode.ctimeNs = nowNs;
    if (inode.type !== 'directory') continue;
    inode.parent = after.ino;
    before.nlink -= 1;
    after.nlink += 1;
  }
}
