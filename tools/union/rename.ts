/** Rename in all its forms (union-semantics 105 to 116). */
import { bytesOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { FsError, isAncestor } from '../vfs/index.js';
import type { Operation, RenameFlags, Task } from '../vfs/index.js';
import { copyUp, copyUpLocked, markImpure, needAttributes } from './copy-up.js';
import { setOpaque } from './create.js';
import { listingLocked } from './merge-listing.js';
import { attach, lookup, lookupLocked } from './lookup.js';
import { findInLayer } from './marks.js';
import { upperPart } from './node.js';
import type { Alias, Node } from './node.js';
import { changing, changingNames, checkNewName, nameRemoved, settle, withObjects } from './names.js';
import {
  exchange,
  rename as renameUpper,
  renameLeavingWhiteout,
  replace,
  takeAway,
  tidy,
  withPrepared,
} from './placement.js';
import { checkPlace, loseName, nameLost, needsWhiteout } from './remove.js';
import { lowerPath, writable } from './state.js';
import type { UnionState, WritableLayer } from './state.js';
import { upperStep } from './steps.js';

/** Where an entry is and where it goes. */
export interface RenamePlaces {
  readonly from: Node;
  readonly name: ByteString;
  readonly to: Node;
  readonly newName: ByteString;
}

interface Renaming extends RenamePlaces {
  readonly source: Alias;
  readonly target: Alias | undefined;
  readonly exchange: boolean;
}

/** Renames an entry; `whiteout` is not for users (38). */
export function* rename(
  state: UnionState,
  task: Task,
  places: RenamePlaces,
  flags: RenameFlags,
): Operation<void> {
  const upper = writable(state, 'rename');
  const { from, name, to, newName } = places;
  const { noreplace = false, exchange = false, whiteout = false } = flags;
  if (whiteout || (noreplace && exchange)) throw new FsError('EINVAL', 'rename', name);
  checkNewName(upper, newName, 'rename');
  yield* settle(state, task);
  for (;;) {
    const source = yield* lookup(state, task, from, name);
    const target = yield* lookup(state, task, to, newName);
    if (!source) throw new FsError('ENOENT', 'rename', name);
    const directories = [from, to];
    // A directory that is replaced is locked too, so that it stays empty.
    if (target?.node.type === 'directory' && !exchange && !isAncestor(target.node, from)) {
      directories.push(target.node);
    }
    // Moving a directory changes ancestry: nobody else may be on the way.
    const alone = source.node.type === 'directory' || (exchange && target?.node.type === 'directory');
    const done = yield* changing(state, task, { alone, directories }, function* () {
      const again = yield* lookupLocked(state, task, from, name);
      const targetAgain = yield* lookupLocked(state, task, to, newName);
      if (again?.node !== source.node || targetAgain?.node !== target?.node) return false;
      if (noreplace && targetAgain) throw new FsError('EEXIST', 'rename', newName);
      yield* renameLocked(state, task, upper, { ...places, source: again, target: targetAgain, exchange });
      return true;
    });
    if (done) return;
  }
}

function* renameLocked(
  state: UnionState,
  task: Task,
  upper: WritableLayer,
  renaming: Renaming,
): Operation<void> {
  const { from, name, to, newName, source, target } = renaming;
  // Two names of one object: nothing to do, also for lower links that are not copied (111).
  if (target?.node === source.node) return;
  yield* check(state, task, renaming);
  yield* copyUp(state, task, from, needAttributes);
  yield* copyUp(state, task, to, needAttributes);
  const objects = target ? [source.node, target.node] : [source.node];
  const places = [
    { parent: from, name },
    { parent: to, name: newName },
  ];
  yield* withObjects(task, objects, () =>
    changingNames(state, task, places, () => renameHeld(state, task, upper, renaming)),
  );
}

function* renameHeld(
  state: UnionState,
  task: Task,
  upper: WritableLayer,
  renaming: Renaming,
): Operation<void> {
  const { source, target, exchange } = renaming;
  yield* copyUpLocked(state, task, source.node, needAttributes, source);
  if (exchange && target) {
    yield* copyUpLocked(state, task, target.node, needAttributes, target);
    yield* exchangeNames(state, upper, renaming, target);
  } else {
    if (target) yield* loseName(state, task, upper, target);
    yield* moveName(state, upper, renaming);
  }
}

/** Everything that can refuse, before anything is copied (63). */
function* check(state: UnionState, task: Task, renaming: Renaming): Operation<void> {
  const { from, to, source, target, exchange, newName } = renaming;
  const refuse = (code: 'ENOENT' | 'EINVAL' | 'ENOTDIR' | 'EISDIR' | 'ENOTEMPTY' | 'EXDEV'): never => {
    throw new FsError(code, 'rename', newName);
  };
  if (exchange && !target) refuse('ENOENT');
  if (to.dead) refuse('ENOENT');
  const moved = source.node.type === 'directory';
  if (moved && (source.node === to || isAncestor(source.node, to))) refuse('EINVAL');
  const over = target?.node.type === 'directory' ? target.node : undefined;
  if (exchange) {
    if (over && (over === from || isAncestor(over, from))) refuse('EINVAL');
  } else if (target) {
    if (moved && !over) refuse('ENOTDIR');
    if (!moved && over) refuse('EISDIR');
    if (over) {
      if (over === from || isAncestor(over, from)) refuse('ENOTEMPTY');
      if ((yield* listingLocked(state, task, over)).size > 0) refuse('ENOTEMPTY');
    }
  }
  if (!mayMove(state, source, to) || (exchange && target && !mayMove(state, target, from))) refuse('EXDEV');
}

/** Directories with lower parts move only by redirect (107, 109). */
function mayMove(state: UnionState, { node, parent }: Alias, to: Node): boolean {
  if (node.type !== 'directory' || node.lowers.length === 0) return true;
  if (state.policy.redirectDir !== 'on' || state.upper?.work.lacks.has('attributes')) return false;
  return parent === to || lowerPath(node).length <= state.policy.redirectMax;
}

/** Marks a directory for its new place while it still has the old one, which is harmless (205). */
function* markMoved(state: UnionState, upper: WritableLayer, alias: Alias, to: Node): Operation<void> {
  const { node, parent } = alias;
  const { prefix } = state.policy;
  yield upperStep;
  if (node.type !== 'directory') {
    if (node.lowers.length > 0) markImpure(state, upper, to);
    return;
  }
  if (node.lowers.length === 0) {
    if (to.lowers.length > 0) setOpaque(upper, node.upper, `${prefix}opaque` as ByteString);
    return;
  }
  markImpure(state, upper, to);
  const keep = node.redirect?.startsWith('/') === true || (parent === to && node.redirect !== undefined);
  if (keep) return;
  const redirect = parent === to ? alias.name : lowerPath(node);
  upper.fs.setxattr(node.upper, `${prefix}redirect` as ByteString, bytesOf(redirect));
  node.redirect = redirect;
}

function* exchangeNames(
  state: UnionState,
  upper: WritableLayer,
  renaming: Renaming,
  target: Alias,
): Operation<void> {
  const { from, name, to, newName, source } = renaming;
  yield* markMoved(state, upper, source, to);
  yield* markMoved(state, upper, target, from);
  checkPlace(upper, source);
  checkPlace(upper, target);
  yield* exchange(upper.work, { from: from.upper, name, to: to.upper, newName });
  const [first, second] = [source.node, target.node];
  nameRemoved(source);
  nameRemoved(target);
  moved(state, renaming, first);
  attach(from, name, second, true);
  from.listing?.set(name, second.id, second.type);
}

function* moveName(state: UnionState, upper: WritableLayer, renaming: Renaming): Operation<void> {
  const { from, name, to, newName, source, target } = renaming;
  const { fs, work } = upper;
  const hide = needsWhiteout(state, source);
  yield* markMoved(state, upper, source, to);
  yield upperStep;
  checkPlace(upper, source);
  if (target?.covered) checkPlace(upper, target);
  const inTheWay = findInLayer(upperPart(upper, to), newName);
  const directory = source.node.type === 'directory';
  const raw = inTheWay === undefined ? undefined : fs.lookup(to.upper, newName);
  const full = inTheWay !== undefined && inTheWay !== 'whiteout' && inTheWay.type === 'directory';
  // An empty directory may still hold whiteouts: it is emptied out of sight first (110).
  if (full && raw !== undefined && fs.readdir(raw, 0, 1).length > 0)
    yield* clearDirectory(state, upper, to, newName);
  const pair = { from: from.upper, name, to: to.upper, newName };
  if (directory && raw !== undefined && !full) {
    // The whiteout changes places with the directory, and goes if nothing needs it (105).
    yield* exchange(work, pair);
    if (!hide) yield* tidy(work, from.upper, name);
  } else if (hide) {
    yield* renameLeavingWhiteout(work, pair);
  } else {
    yield upperStep;
    renameUpper(work, pair);
  }
  if (target) nameLost(state, upper, target);
  const { node } = source;
  nameRemoved(source);
  moved(state, renaming, node);
}

/** Replaces a directory that holds only whiteouts by an empty opaque one with the same attributes. */
function* clearDirectory(
  state: UnionState,
  upper: WritableLayer,
  parent: Node,
  name: ByteString,
): Operation<void> {
  const { fs, work } = upper;
  const old = fs.lookup(parent.upper, name);
  if (old === undefined) return;
  if (work.form === 'aufs') {
    // The opaque mark is a file of the directory itself, so an empty opaque one cannot be made.
    yield* takeAway(work, parent.upper, name);
    return;
  }
  const { mode, uid, gid, atimeNs, mtimeNs } = fs.getattr(old);
  const temp = work.tempName();
  const ino = yield* withPrepared(work, temp, function* () {
    const made = fs.mkdir(work.ino, temp, { mode, uid, gid });
    setOpaque(upper, made, `${state.policy.prefix}opaque` as ByteString);
    fs.setattr(made, { mode, atimeNs, mtimeNs });
    yield* replace(work, parent.upper, name, temp);
    return made;
  });
  const known = parent.children?.get(name)?.node;
  if (!known) return;
  for (let hold = 0; hold < known.holds; hold += 1) {
    fs.open(ino, 'read');
    fs.release(old);
  }
  state.nodes.setUpper(known, ino);
}

function moved(state: UnionState, { from, name, to, newName }: Renaming, node: Node): void {
  attach(to, newName, node, true);
  to.listing?.set(newName, node.id, node.type);
  if (!state.watches.active) return;
  const isDirectory = node.type === 'directory';
  state.watches.emitMove(
    { directory: from.id, name },
    { directory: to.id, name: newName },
    node.id,
    isDirectory,
  );
}
