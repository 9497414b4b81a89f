/** Reading and writing files: always through the object's present layer, so nobody reads stale data (145 to 153). */
import { FsError } from '../vfs/index.js';
import type { FileSystem, Ino, Operation, Task } from '../vfs/index.js';
import { changingObject, ensureUpper } from './attributes.js';
import { needContent } from './copy-up.js';
import { tellObject } from './events.js';
import { contentMissing } from './lower.js';
import type { Node } from './node.js';
import { writable } from './state.js';
import type { UnionState } from './state.js';

/** Ranges that fallocate(2) can make. */
export type FallocateMode = Parameters<FileSystem['fallocate']>[3];

/** Where the bytes of a file are now. */
export function contentOf(
  state: UnionState,
  node: Node,
  syscall: string,
): { readonly fs: FileSystem; readonly ino: Ino } {
  checkFile(node, syscall);
  if (node.upper !== 0 && !node.metacopy && state.upper) return { fs: state.upper.fs, ino: node.upper };
  const { content } = node;
  if (!content) throw contentMissing();
  return { fs: content.layer.fs, ino: content.ino };
}

function checkFile(node: Node, syscall: string): void {
  if (node.type === 'directory') throw new FsError('EISDIR', syscall);
  if (node.type !== 'file') throw new FsError('EINVAL', syscall);
}

/** Writes; the first write of a lower file brings it to the upper (64). `end`: wherever that is then (O_APPEND). */
export function* write(
  state: UnionState,
  task: Task,
  node: Node,
  offset: number | 'end',
  data: Uint8Array,
): Operation<number> {
  checkFile(node, 'write');
  const { fs } = writable(state, 'write');
  if (data.length === 0) return 0;
  const count = yield* changingObject(state, task, node, needContent, () =>
    fs.write(node.upper, offset === 'end' ? fs.getattr(node.upper).size : offset, data),
  );
  tellObject(state, 'modify', node);
  return count;
}

/** Reserves or punches a range. */
export function* fallocate(
  state: UnionState,
  task: Task,
  node: Node,
  range: { readonly offset: number; readonly length: number; readonly mode: FallocateMode },
): Operation<void> {
  checkFile(node, 'fallocate');
  const { fs } = writable(state, 'fallocate');
  if (range.offset < 0 || range.length <= 0) throw new FsError('EINVAL', 'fallocate');
  yield* changingObject(state, task, node, needContent, () => {
    fs.fallocate(node.upper, range.offset, range.length, range.mode);
  });
  tellObject(state, 'modify', node);
}

/** Copies a lower file up because it is opened for writing (policy copyUp=open). */
export function* copyForWriting(state: UnionState, task: Task, node: Node): Operation<void> {
  if (node.type === 'file') yield* ensureUpper(state, task, node, needContent);
}

/** Copies a lower file up because it is read, so that its access time can be stored (policy atime=shadow). */
export function* copyForReading(state: UnionState, task: Task, node: Node): Operation<void> {
  if (node.type !== 'file' || node.upper !== 0 || state.readOnly || !state.upper) return;
  yield* ensureUpper(state, task, node, needContent);
}
