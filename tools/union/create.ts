/** Creation of files, directories, symlinks, nodes and links (union-semantics 41, 42, 44, 122). */
import type { ByteString } from '../core/index.js';
import { FsError } from '../vfs/index.js';
import type { FileSystem, FileType, Ino, NewInode, Operation, Task } from '../vfs/index.js';
import { copyUp, markImpure, needAttributes } from './copy-up.js';
import { tellEntry } from './events.js';
import { tieLinkCount } from './hard-links.js';
import { lookupLocked } from './lookup.js';
import { findInLayer, markSet } from './marks.js';
import { noParts, upperPart } from './node.js';
import type { Node } from './node.js';
import { changing, changingNames, checkNewName, nameAdded } from './names.js';
import { replace, withPrepared } from './placement.js';
import { writable } from './state.js';
import type { UnionState, WritableLayer } from './state.js';
import { upperStep, workStep } from './steps.js';

/** Makes the object in a directory of the upper. */
type Maker = (fs: FileSystem, directory: Ino, name: ByteString) => Ino;

/** Makes a new object under a name. */
export function* create(
  state: UnionState,
  task: Task,
  directory: Node,
  name: ByteString,
  type: FileType,
  make: Maker,
): Operation<Ino> {
  const upper = writable(state, 'create');
  checkNewName(upper, name, 'create');
  return yield* changing(state, task, { alone: false, directories: [directory] }, function* () {
    if (yield* lookupLocked(state, task, directory, name)) throw new FsError('EEXIST', 'create', name);
    if (directory.dead) throw new FsError('ENOENT', 'create', name);
    yield* copyUp(state, task, directory, needAttributes);
    const ino = yield* changingNames(state, task, [{ parent: directory, name }], () =>
      makeUpper(state, upper, directory, name, type, make),
    );
    const number = state.nodes.numberOf(upper, ino);
    const node = state.nodes.create(number, type, noParts);
    node.content = undefined;
    state.nodes.setUpper(node, ino);
    nameAdded(directory, name, node);
    tellEntry(state, 'create', directory, name, node);
    return node.id;
  });
}

function* makeUpper(
  state: UnionState,
  upper: WritableLayer,
  directory: Node,
  name: ByteString,
  type: FileType,
  make: Maker,
): Operation<Ino> {
  const { fs, work } = upper;
  yield upperStep;
  const inTheWay = findInLayer(upperPart(upper, directory), name);
  if (inTheWay === undefined) return make(fs, directory.upper, name);
  // Something that the union does not know stands there: it was put behind its back (80).
  if (inTheWay !== 'whiteout') throw new FsError('ESTALE', 'create', name);
  const opaque = `${state.policy.prefix}opaque` as ByteString;
  const isDirectory = type === 'directory';
  const late = state.sabotage.has('opaque before visible');
  const temp = work.tempName();
  yield workStep;
  return yield* withPrepared(work, temp, function* () {
    const ino = make(fs, work.ino, temp);
    // Opaque before it can be seen: its old lower children must never show (42).
    if (isDirectory && !late) setOpaque(upper, ino, opaque);
    if (isDirectory) work.flush(ino);
    yield* replace(work, directory.upper, name, temp);
    if (isDirectory && late) {
      yield upperStep;
      setOpaque(upper, ino, opaque);
    }
    return ino;
  });
}

/** Marks an upper directory: nothing beneath it shows. */
export function setOpaque(upper: WritableLayer, ino: Ino, name: ByteString): void {
  if (upper.work.form !== 'aufs') {
    upper.fs.setxattr(ino, name, markSet);
    return;
  }
  const file = '.wh..wh.opq' as ByteString;
  if (upper.fs.lookup(ino, file) === undefined) {
    upper.fs.mknod(ino, file, { type: 'file', mode: 0o444, uid: 0, gid: 0 });
  }
}

/** Gives an object one more name. */
export function* link(
  state: UnionState,
  task: Task,
  node: Node,
  directory: Node,
  name: ByteString,
): Operation<void> {
  const upper = writable(state, 'link');
  checkNewName(upper, name, 'link');
  yield* changing(state, task, { alone: false, directories: [directory] }, function* () {
    if (yield* lookupLocked(state, task, directory, name)) throw new FsError('EEXIST', 'link', name);
    if (node.type === 'directory') throw new FsError('EPERM', 'link', name);
    if (directory.dead || (node.dead && !node.linkable)) throw new FsError('ENOENT', 'link', name);
    yield* copyUp(state, task, directory, needAttributes);
    yield* copyUp(state, task, node, needAttributes);
    yield upperStep;
    if (node.lowers.length > 0) markImpure(state, upper, directory);
    if (node.dead && !node.linkable) throw new FsError('ENOENT', 'link', name);
    tieLinkCount(state, upper, node);
    yield* changingNames(state, task, [{ parent: directory, name }], () =>
      linkUpper(upper, node, directory, name),
    );
    if (node.indexed) node.linkCount += 1;
    node.dead = false;
    node.linkable = false;
    nameAdded(directory, name, node);
    tellEntry(state, 'create', directory, name, node);
  });
}

function* linkUpper(upper: WritableLayer, node: Node, directory: Node, name: ByteString): Operation<void> {
  const { fs, work } = upper;
  const inTheWay = findInLayer(upperPart(upper, directory), name);
  if (inTheWay === undefined) {
    fs.link(node.upper, directory.upper, name);
    return;
  }
  if (inTheWay !== 'whiteout') throw new FsError('ESTALE', 'link', name);
  const temp = work.tempName();
  fs.link(node.upper, work.ino, temp);
  yield* withPrepared(work, temp, () => replace(work, directory.upper, name, temp));
}

/** Makes a file without a name; it lives while it is held. */
export function* tmpfile(state: UnionState, task: Task, directory: Node, inode: NewInode): Operation<Ino> {
  const upper = writable(state, 'tmpfile');
  return yield* changing(state, task, { alone: false, directories: [] }, function* () {
    if (directory.dead) throw new FsError('ENOENT', 'tmpfile');
    yield workStep;
    const { fs, work } = upper;
    const ino = fs.tmpfile(work.ino, inode);
    const node = state.nodes.create(state.nodes.numberOf(upper, ino), 'file', noParts);
    node.content = undefined;
    node.dead = true;
    node.linkable = true;
    state.nodes.setUpper(node, ino);
    return node.id;
  });
}
