/** Removal of names: unlink and rmdir (union-semantics 33, 34, 117 to 120). */
import type { ByteString } from '../core/index.js';
import { FsError } from '../vfs/index.js';
import type { Operation, Task } from '../vfs/index.js';
import { copyUp, copyUpLocked, needAttributes, needContent } from './copy-up.js';
import { tellEntry } from './events.js';
import { tieLinkCount } from './hard-links.js';
import { listingLocked } from './merge-listing.js';
import { lookup, lookupLocked, lowerHas } from './lookup.js';
import type { Alias, Node } from './node.js';
import { changing, changingNames, lastNameGone, nameRemoved, settle, withObjects } from './names.js';
import { placeWhiteout, replaceByWhiteout, takeAway } from './placement.js';
import { writable } from './state.js';
import type { UnionState, WritableLayer } from './state.js';
import { upperStep } from './steps.js';

const forRemoval = { forRemoval: true } as const;

/** Tells whether a name needs a whiteout when it goes away. */
export function needsWhiteout(state: UnionState, alias: Alias): boolean {
  if (alias.covered && state.policy.whiteout === 'always') return true;
  return lowerHas(state, alias.parent, alias.name);
}

/** Removes a name of anything but a directory. */
export function* unlink(state: UnionState, task: Task, directory: Node, name: ByteString): Operation<void> {
  const upper = writable(state, 'unlink');
  // On a full upper a removal may be what makes room to settle a change of before.
  const locks = { alone: false, directories: [directory], unsettled: true };
  yield* changing(state, task, locks, function* () {
    const alias = yield* lookupLocked(state, task, directory, name);
    if (!alias) throw new FsError('ENOENT', 'unlink', name);
    const { node } = alias;
    if (node.type === 'directory') throw new FsError('EISDIR', 'unlink', name);
    yield* copyUp(state, task, directory, { ...needAttributes, ...forRemoval });
    const change = function* (): Operation<void> {
      yield* loseName(state, task, upper, alias);
      if (!alias.covered) {
        yield* placeWhiteout(upper.work, directory.upper, name);
      } else if (needsWhiteout(state, alias)) {
        yield* removeCovered(state, upper, alias);
      } else {
        yield upperStep;
        checkPlace(upper, alias);
        upper.fs.unlink(directory.upper, name);
      }
      nameLost(state, upper, alias);
      tellEntry(state, 'delete', directory, name, node);
    };
    yield* withObjects(task, [node], () => changingNames(state, task, [alias], change));
  });
}

function* removeCovered(state: UnionState, upper: WritableLayer, alias: Alias): Operation<void> {
  const { parent, name } = alias;
  if (state.sabotage.has('whiteout order')) {
    // The way of overlayfs v7: first the object, then the whiteout.
    yield* takeAway(upper.work, parent.upper, name);
    yield* placeWhiteout(upper.work, parent.upper, name);
    return;
  }
  checkPlace(upper, alias);
  yield* replaceByWhiteout(upper.work, parent.upper, name);
}

/** Verifies that the upper still has under a name the object that is meant (120). */
export function checkPlace(upper: WritableLayer, { parent, name, node }: Alias): void {
  if (upper.fs.lookup(parent.upper, name) !== node.upper) throw new FsError('ESTALE', 'lookup', name);
}

/** Prepares an indexed object for the loss of a name: covered in the upper, its count tied to the upper's (85). */
export function* loseName(
  state: UnionState,
  task: Task,
  upper: WritableLayer,
  alias: Alias,
): Operation<void> {
  const { node } = alias;
  if (!node.indexed) return;
  if (!alias.covered) {
    try {
      yield* copyUpLocked(state, task, node, { ...needContent, ...forRemoval }, alias);
    } catch (error) {
      // On a full upper the name goes all the same (216); after another mount the count is that of the lower.
      if (error instanceof FsError && error.code === 'ENOSPC' && node.upper === 0) return;
      throw error;
    }
  }
  yield upperStep;
  upper.work.removing(() => tieLinkCount(state, upper, node));
}

/** Publishes the loss of a name; the object ends with its last one. */
export function nameLost(state: UnionState, upper: WritableLayer, alias: Alias): void {
  const { node } = alias;
  nameRemoved(alias);
  if (node.indexed) {
    node.linkCount -= 1;
    if (node.linkCount > 0) return;
    // The index held the last link; the object's users hold it now.
    dropIndexEntry(upper, node);
    lastNameGone(state, node);
    return;
  }
  if (node.aliases.length > 0) return;
  if (node.upper === 0 || node.type === 'directory' || isGone(upper, node)) lastNameGone(state, node);
}

/** The name is gone already: an entry that cannot be removed now is removed at the next mount (86). */
function dropIndexEntry({ fs, work }: WritableLayer, node: Node): void {
  const part = node.lowers[0];
  try {
    const entry = part && work.indexEntryOf(part, node.upper);
    if (entry !== undefined && work.index !== undefined) fs.unlink(work.index, entry);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
  }
}

function isGone(upper: WritableLayer, node: Node): boolean {
  try {
    return upper.fs.getattr(node.upper).nlink === 0;
  } catch (error) {
    if (error instanceof FsError && (error.code === 'ESTALE' || error.code === 'ENOENT')) return true;
    throw error;
  }
}

/** Removes an empty directory. */
export function* rmdir(state: UnionState, task: Task, directory: Node, name: ByteString): Operation<void> {
  const upper = writable(state, 'rmdir');
  yield* settle(state, task);
  for (;;) {
    const peeked = yield* lookup(state, task, directory, name);
    if (!peeked) throw new FsError('ENOENT', 'rmdir', name);
    if (peeked.node.type !== 'directory') throw new FsError('ENOTDIR', 'rmdir', name);
    const directories = [directory, peeked.node];
    const done = yield* changing(state, task, { alone: false, directories }, function* () {
      const alias = yield* lookupLocked(state, task, directory, name);
      // Another may have put something else there between the look and the locks.
      if (alias?.node !== peeked.node) return false;
      yield* removeDirectory(state, task, upper, alias);
      return true;
    });
    if (done) return;
  }
}

function* removeDirectory(
  state: UnionState,
  task: Task,
  upper: WritableLayer,
  alias: Alias,
): Operation<void> {
  const { node, parent, name } = alias;
  const listing = yield* listingLocked(state, task, node);
  if (listing.size > 0) throw new FsError('ENOTEMPTY', 'rmdir', name);
  yield* copyUp(state, task, parent, { ...needAttributes, ...forRemoval });
  const change = function* (): Operation<void> {
    if (!alias.covered) {
      yield* placeWhiteout(upper.work, parent.upper, name);
    } else {
      checkPlace(upper, alias);
      const hide = needsWhiteout(state, alias);
      if (hide) yield* replaceByWhiteout(upper.work, parent.upper, name);
      else yield* takeAway(upper.work, parent.upper, name);
    }
    nameLost(state, upper, alias);
    tellEntry(state, 'delete', parent, name, node);
  };
  yield* withObjects(task, [node], () => changingNames(state, task, [alias], change));
}
