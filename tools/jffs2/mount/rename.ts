/**
 * Renames, with exchange and whiteout as OpenWrt's kernels do them: checks and locks in the order of Linux's VFS, nodes in the
 * order of its driver.
 */
import type { ByteString } from '../../core/index.js';
import { comesBefore, FsError, holding, take, typeBits } from '../../vfs/index.js';
import type { Errno, Ino, Lock, Operation, RenameFlags, Task } from '../../vfs/index.js';
import type { LiveInode } from './inode.js';
import { loadInode } from './load.js';
import {
  addName,
  checkName,
  createObject,
  dropLink,
  existingName,
  isDirectory,
  recordOf,
  removeName,
} from './names.js';
import type { Volume } from './volume.js';
import { ROOT_INO } from '../node/layout.js';

/** What to rename. */
export interface RenameRequest {
  readonly from: LiveInode;
  readonly name: ByteString;
  readonly to: LiveInode;
  readonly newName: ByteString;
  readonly flags: RenameFlags;
}

/** Renames, replaces or exchanges. */
export function rename(volume: Volume, task: Task, request: RenameRequest): Operation<void> {
  const { from, to } = request;
  const both = (): Operation<void> =>
    holdingAll(task, inOrder([from, to]), () => renameLocked(volume, task, request));
  return from === to ? both() : holding(task, volume.renames, { shared: false, interruptible: true }, both);
}

/** Directories before other objects, ancestors first, unrelated ones by number. */
function inOrder(objects: readonly LiveInode[]): Lock[] {
  const locks = new Set(objects.map(({ lock }) => lock));
  return [...locks].sort((a, b) => a.level - b.level || (comesBefore(a.place, b.place) ? -1 : 1));
}

function* holdingAll<T>(task: Task, locks: readonly Lock[], body: () => Operation<T>): Operation<T> {
  const held: Lock[] = [];
  try {
    for (const lock of locks) {
      if (!lock.tryTake(task)) yield* take(task, lock);
      held.push(lock);
    }
    return yield* body();
  } finally {
    for (const lock of held.reverse()) lock.release(task);
  }
}

function fail(code: Errno): never {
  throw new FsError(code, 'rename');
}

function* renameLocked(volume: Volume, task: Task, request: RenameRequest): Operation<void> {
  const { from, name, to, newName, flags } = request;
  for (const { record } of [from, to]) recordOf(volume, record.ino);
  const load = (ino: Ino): Operation<LiveInode> => loadInode(volume, task, recordOf(volume, ino));
  const source = yield* load(existingName(from, name, 'rename').ino);
  checkName(newName, 'rename');
  const target = to.names.live(newName);
  if (to.nlink === 0) fail('ENOENT');
  if (target && flags.noreplace) fail('EEXIST');
  if (!target && flags.exchange) fail('ENOENT');
  const victim = target && (yield* load(target.ino));
  if (yield* isWithin(volume, task, to, source)) fail('EINVAL');
  if (victim && (yield* isWithin(volume, task, from, victim))) {
    if (flags.exchange) fail('EINVAL');
    fail(isDirectory(source) ? 'ENOTEMPTY' : 'EISDIR');
  }
  if (victim === source) return;
  const plan = { ...request, source, victim };
  yield* holdingAll(task, inOrder(victim ? [source, victim] : [source]), function* () {
    if (victim && flags.exchange) yield* exchangeObjects(volume, task, { ...plan, victim });
    else {
      if (victim) checkVictim(source, victim);
      yield* renameObject(volume, task, plan);
    }
  });
}

function checkVictim(source: LiveInode, victim: LiveInode): void {
  if (isDirectory(victim)) {
    if (!isDirectory(source)) fail('EISDIR');
    if (!victim.names.isEmpty) fail('ENOTEMPTY');
  } else if (isDirectory(source)) fail('ENOTDIR');
}

/** Tells whether a directory is `above` or lies in it, however deep: it must not come to lie in itself. */
function* isWithin(volume: Volume, task: Task, directory: LiveInode, above: LiveInode): Operation<boolean> {
  if (!isDirectory(above)) return false;
  for (let at = directory; at !== above; at = yield* loadInode(volume, task, recordOf(volume, at.parent)))
    if (at.record.ino === ROOT_INO) return false;
  return true;
}

/** The two ends of a rename, already looked up. */
interface RenamePlan extends RenameRequest {
  readonly source: LiveInode;
  readonly victim: LiveInode | undefined;
}

/** Renames in the kernel's two steps: the new name (which replaces a victim), then the end of the old one. */
function* renameObject(volume: Volume, task: Task, plan: RenamePlan): Operation<void> {
  const { from, name, source, to, newName, victim, flags } = plan;
  yield* addName(volume, task, to, newName, source);
  if (victim) yield* dropLink(volume, task, to, victim);
  if (isDirectory(source)) {
    to.nlink += 1;
    source.parent = to.record.ino;
    source.record.nlink = to.record.ino;
  } else {
    // Until the old name is gone there are two.
    source.nlink += 1;
    source.record.nlink += 1;
  }
  if (flags.whiteout) {
    const whiteout = { typeMode: typeBits.char, mode: 0, uid: 0, gid: 0 };
    yield* createObject(volume, task, from, name, whiteout);
  } else yield* removeName(volume, task, from, name);
  if (isDirectory(source)) from.nlink -= 1;
  else {
    source.nlink -= 1;
    source.record.nlink -= 1;
  }
}

/** Exchanges two names: one dirent each, with the right type. */
function* exchangeObjects(
  volume: Volume,
  task: Task,
  plan: RenamePlan & { readonly victim: LiveInode },
): Operation<void> {
  const { from, name, source, to, newName, victim } = plan;
  yield* addName(volume, task, to, newName, source);
  yield* addName(volume, task, from, name, victim);
  for (const [live, old, now] of [
    [source, from, to],
    [victim, to, from],
  ] as const) {
    if (!isDirectory(live)) continue;
    old.nlink -= 1;
    now.nlink += 1;
    live.parent = now.record.ino;
    live.record.nlink = now.record.ino;
  }
}
