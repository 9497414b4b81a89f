/** What all changes of names share: locks in their order, the caches after a change, the end of an object. */
import type { ByteString } from '../core/index.js';
import { checkName, comesBefore, FsError, take } from '../vfs/index.js';
import type { Operation, Task } from '../vfs/index.js';
import { aufsNameMax, isPrivateName } from './marks.js';
import { tellObject } from './events.js';
import type { Alias, Node } from './node.js';
import { attach, lookup, lookupLocked, rememberAbsent } from './lookup.js';
import { forgetIfUnused } from './state.js';
import type { UnionState, WritableLayer } from './state.js';
import { upperStep } from './steps.js';

/** How a change takes its locks. */
export interface ChangeLocks {
  /** The topology alone: nobody else may be on the way. */
  readonly alone: boolean;
  readonly directories: readonly Node[];
  /** It goes on although a change of before could not be settled. */
  readonly unsettled?: boolean;
}

/** Runs a change of names: topology shared or alone, then the directories, then the body. */
export function* changing<T>(
  state: UnionState,
  task: Task,
  how: ChangeLocks,
  body: () => Operation<T>,
): Operation<T> {
  const { topology } = state;
  yield* settle(state, task, how.unsettled);
  if (!topology.tryTake(task, !how.alone)) yield* take(task, topology, !how.alone);
  const held: Node[] = [];
  try {
    const unguarded = state.sabotage.has('parent lock');
    for (const node of unguarded ? [] : inOrder(how.directories)) {
      if (!node.directoryLock.tryTake(task)) yield* take(task, node.directoryLock);
      held.push(node);
    }
    return yield* body();
  } finally {
    for (const node of held.reverse()) node.directoryLock.release(task);
    topology.release(task);
  }
}

/**
 * Ends a change of before that failed halfway: as long as it is in the journal, the next mount would complete it,
 * whatever has become of its names by then (215).
 */
export function* settle(state: UnionState, task: Task, orGoOn = false): Operation<void> {
  const { upper, nodes, topology } = state;
  if (upper === undefined || upper.work.journal.settled || state.readOnly) return;
  if (!topology.tryTake(task)) yield* take(task, topology);
  try {
    yield upperStep;
    const lost: NamePlace[] = [];
    for (const { directory, name } of upper.work.journal.unsettledNames) {
      const parent = nodes.byUpper(directory);
      if (parent && forgetName(state, { parent, name })) lost.push({ parent, name });
    }
    upper.work.journal.settle();
    for (const { parent, name } of lost) yield* lookup(state, task, parent, name);
  } catch (error) {
    if (!orGoOn || !(error instanceof FsError)) throw error;
  } finally {
    topology.release(task);
  }
}

function inOrder(nodes: readonly Node[]): Node[] {
  return [...new Set(nodes)].sort((a, b) => (comesBefore(a, b) ? -1 : 1));
}

/** Takes the copy-up locks of objects in the order of their numbers. */
export function* withObjects<T>(task: Task, nodes: readonly Node[], body: () => Operation<T>): Operation<T> {
  const held: Node[] = [];
  try {
    for (const node of [...new Set(nodes)].sort((a, b) => (comesBefore(a, b) ? -1 : 1))) {
      if (!node.copyUpLock.tryTake(task)) yield* take(task, node.copyUpLock);
      held.push(node);
    }
    return yield* body();
  } finally {
    for (const node of held.reverse()) node.copyUpLock.release(task);
  }
}

/** Refuses names that cannot be made. */
export function checkNewName(upper: WritableLayer, name: ByteString, syscall: string): void {
  checkName(name, syscall);
  const { reading, work } = upper;
  if (work.form === 'aufs' && name.length > aufsNameMax) throw new FsError('ENAMETOOLONG', syscall, name);
  if (isPrivateName(reading, name) || reading.lists.includes(name)) throw new FsError('EPERM', syscall, name);
}

/** Publishes a new name. */
export function nameAdded(directory: Node, name: ByteString, node: Node): Alias {
  const alias = attach(directory, name, node, true);
  directory.listing?.set(name, node.id, node.type);
  return alias;
}

/** Publishes that a name is gone. */
export function nameRemoved(alias: Alias): void {
  const { node, parent, name } = alias;
  node.aliases = node.aliases.filter((other) => other !== alias);
  rememberAbsent(parent, name);
  parent.listing?.remove(name);
}

/** A name in a directory of the union. */
export interface NamePlace {
  readonly parent: Node;
  readonly name: ByteString;
}

/**
 * Runs the part of an operation that changes the upper, with the locks of the directories held; when it fails in the
 * middle, the names are looked up again, so that what is remembered agrees with what the upper holds, and whoever has
 * the objects open goes on with them.
 */
export function* changingNames<T>(
  state: UnionState,
  task: Task,
  places: readonly NamePlace[],
  body: () => Operation<T>,
): Operation<T> {
  try {
    return yield* body();
  } catch (error) {
    const lost = places.filter((place) => forgetName(state, place));
    try {
      for (const { parent, name } of lost) yield* lookupLocked(state, task, parent, name);
    } catch (second) {
      // The caller hears of the first failure; what is without a name meanwhile answers ESTALE.
      if (!(second instanceof FsError)) throw second;
    }
    throw error;
  }
}

/** Forgets what a name led to; tells whether that was known. */
function forgetName(state: UnionState, { parent, name }: NamePlace): boolean {
  const alias = parent.children?.forget(name);
  parent.listing = undefined;
  if (!alias) return false;
  const { node } = alias;
  node.aliases = node.aliases.filter((other) => other !== alias);
  if (node.aliases.length === 0) state.nodes.detach(node);
  return true;
}

/** Ends an object whose last name is gone; it lives on while it is held. */
export function lastNameGone(state: UnionState, node: Node): void {
  node.dead = true;
  tellObject(state, 'delete-self', node);
  forgetIfUnused(state, node);
}
