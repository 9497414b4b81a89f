/** Attributes and extended attributes of union objects (union-semantics 39, 61 to 63, 73, 99, 123). */
import type { ByteString } from '../core/index.js';
import { FsError, take } from '../vfs/index.js';
import type {
  AttributeChange,
  Attributes,
  FileSystem,
  Ino,
  Operation,
  Task,
  XattrMode,
} from '../vfs/index.js';
import { copyUp, needAttributes, needsCopy } from './copy-up.js';
import type { Need } from './copy-up.js';
import { ownershipOfCopy } from './copy-mode.js';
import { tellObject } from './events.js';
import { attributeNames } from './marks.js';
import type { Node } from './node.js';
import { topPart, writable } from './state.js';
import type { UnionState } from './state.js';
import { breakLeases } from './users.js';
import { upperStep } from './steps.js';

/** What stat(2) tells of an object: of its topmost part, under the union's number. */
export function attributesOf(state: UnionState, node: Node): Attributes {
  const { fs, ino } = topPart(state, node);
  const attributes = fs.getattr(ino);
  const own = { ...attributes, ino: node.id, nlink: linkCountOf(state, node, attributes) };
  if (node.metacopy && node.content) {
    return { ...own, blocks: node.content.layer.fs.getattr(node.content.ino).blocks };
  }
  const { copyMode } = state.policy;
  if (copyMode.kind === 'transparent' || node.upper !== 0 || state.readOnly || !state.upper) return own;
  // A lower object shows the rights its copy will have, since writing is judged by them (99).
  return { ...own, ...ownershipOfCopy(copyMode, attributes, state.umask()) };
}

function linkCountOf(state: UnionState, node: Node, attributes: Attributes): number {
  if (node.dead) return 0;
  if (node.type === 'directory') {
    // Merged directories show 1, which tools take as unknown (123).
    return node.lowers.length + (node.upper === 0 ? 0 : 1) > 1 ? 1 : attributes.nlink;
  }
  if (node.indexed) return node.linkCount;
  if (node.upper !== 0 || !state.upper) return attributes.nlink;
  // Without an index each name of a lower object is an object of its own.
  return 1;
}

/** Copies up what is missing. */
export function* ensureUpper(state: UnionState, task: Task, node: Node, need: Need): Operation<void> {
  if (needsCopy(node, need)) yield* changingObject(state, task, node, need, () => undefined);
}

/**
 * Changes the upper object, copied up before if it has to be. The topology is held over both, so that a remount comes
 * before or after: what was copied for a truncation is short already.
 */
export function* changingObject<T>(
  state: UnionState,
  task: Task,
  node: Node,
  need: Need,
  change: () => T,
): Operation<T> {
  const copies = needsCopy(node, need);
  if (copies && !state.topology.tryTake(task, true)) yield* take(task, state.topology, true);
  try {
    writable(state, 'copy-up');
    if (copies) yield* copyUp(state, task, node, need);
    yield upperStep;
    writable(state, 'write');
    return change();
  } finally {
    if (copies) state.topology.release(task);
  }
}

/** Changes attributes; truncation copies only what stays. */
export function* setAttributes(
  state: UnionState,
  task: Task,
  node: Node,
  change: AttributeChange,
): Operation<Attributes> {
  const { fs } = writable(state, 'setattr');
  const { size } = change;
  if (size !== undefined) {
    if (node.type === 'directory') throw new FsError('EISDIR', 'setattr');
    if (node.type !== 'file' || size < 0) throw new FsError('EINVAL', 'setattr');
    breakLeases(node.users, 'write');
  }
  let finished = false;
  const finish = (upper: FileSystem, ino: Ino): void => {
    upper.setattr(ino, change);
    finished = true;
  };
  const need: Need = size === undefined ? needAttributes : { kind: 'content', size, finish };
  yield* changingObject(state, task, node, need, () => {
    if (!finished) fs.setattr(node.upper, change);
  });
  tellObject(state, size === undefined ? 'attrib' : 'modify', node);
  return attributesOf(state, node);
}

/** Name under which a user's attribute is stored: private names get a second `overlay.` (39). */
function storedName(state: UnionState, name: ByteString): ByteString {
  const { prefix } = state.policy;
  return name.startsWith(prefix) ? (`${prefix}overlay.${name.slice(prefix.length)}` as ByteString) : name;
}

/** Reads an attribute of a user. */
export function getAttribute(state: UnionState, node: Node, name: ByteString): Uint8Array {
  const { fs, ino } = topPart(state, node);
  return fs.getxattr(ino, storedName(state, name));
}

/** Names of the users' attributes; private ones are left out, escaped ones come back. */
export function listAttributes(state: UnionState, node: Node): ByteString[] {
  const { fs, ino } = topPart(state, node);
  const { prefix } = state.policy;
  const names: ByteString[] = [];
  for (const name of fs.listxattr(ino)) {
    if (!name.startsWith(prefix)) names.push(name);
    else if (name.startsWith(`${prefix}overlay.`)) {
      names.push(`${prefix}${name.slice(prefix.length + 'overlay.'.length)}` as ByteString);
    }
  }
  return names;
}

/** Sets an attribute; what would fail is refused before anything is copied. */
export function* setAttribute(
  state: UnionState,
  task: Task,
  node: Node,
  name: ByteString,
  value: Uint8Array,
  mode: XattrMode,
): Operation<void> {
  const upper = writable(state, 'setxattr');
  if (upper.work.lacks.has('attributes')) throw new FsError('EOPNOTSUPP', 'setxattr', name);
  const stored = storedName(state, name);
  if (mode !== 'any') {
    const present = hasAttribute(state, node, stored);
    if (mode === 'create' && present) throw new FsError('EEXIST', 'setxattr', name);
    if (mode === 'replace' && !present) throw new FsError('ENODATA', 'setxattr', name);
  }
  yield* changingObject(state, task, node, needAttributes, () => {
    upper.fs.setxattr(node.upper, stored, value, mode);
  });
  tellObject(state, 'attrib', node);
}

/** Removes an attribute; an absent one copies nothing (63). */
export function* removeAttribute(
  state: UnionState,
  task: Task,
  node: Node,
  name: ByteString,
): Operation<void> {
  const upper = writable(state, 'removexattr');
  const stored = storedName(state, name);
  if (!hasAttribute(state, node, stored)) throw new FsError('ENODATA', 'removexattr', name);
  yield* changingObject(state, task, node, needAttributes, () => {
    upper.fs.removexattr(node.upper, stored);
  });
  tellObject(state, 'attrib', node);
}

function hasAttribute(state: UnionState, node: Node, stored: ByteString): boolean {
  const { fs, ino } = topPart(state, node);
  return attributeNames(fs, ino).includes(stored);
}
