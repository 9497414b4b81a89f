/** What all changes of names share: locks in their order, the caches after a change, the end of an object. */
import type { ByteString } from '../core/index.js';
import { comesBefore, FsError, NAME_MAX, take } from '../vfs/index.js';
import type { Operation, Task } from '../vfs/index.js';
import { isPrivateName } from './marks.js';
import { tellObject } from './events.js';
import type { Alias, Node } from './node.js';
import { attach, rememberAbsent } from './lookup.js';
import { forgetIfUnused } from './state.js';
import type { UnionState, WritableLayer } from './state.js';

/** Runs a change of names: topology shared or alone, then the directories, then the body. */
export function* changing<T>(
  state: UnionState,
  task: Task,
  how: { readonly alone: boolean; readonly directories: readonly Node[] },
  body: () => Operation<T>,
): Operation<T> {
  const { topology } = state;
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
  if (name.length > NAME_MAX) throw new FsError('ENAMETOOLONG', syscall, name);
  if (name === '' || name === '.' || name === '..' || name.includes('/'))
    throw new FsError('EINVAL', syscall, name);
  if (isPrivateName(upper.reading, name)) throw new FsError('EPERM', syscall, name);
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

/**
 * Runs the part of an operation that changes the upper; when it fails in the middle, the names are looked up again,
 * so that what is remembered agrees with what the upper holds.
 */
export function* changingNames<T>(
  state: UnionState,
  aliases: readonly Alias[],
  body: () => Operation<T>,
): Operation<T> {
  try {
    return yield* body();
  } catch (error) {
    for (const alias of aliases) forgetName(state, alias);
    throw error;
  }
}

function forgetName(state: UnionState, alias: Alias): void {
  const { node, parent } = alias;
  if (!parent.children?.delete(alias)) return;
  node.aliases = node.aliases.filter((other) => other !== alias);
  parent.listing = undefined;
  if (node.aliases.length === 0) state.nodes.detach(node);
}

/** Ends an object whose last name is gone; it lives on while it is held. */
export function lastNameGone(state: UnionState, node: Node): void {
  node.dead = true;
  tellObject(state, 'delete-self', node);
  forgetIfUnused(state, node);
}
