/**
 * What watchers are told: changes by the union's names, whatever layer they hit. Copy-up and marks are silent
 * (union-semantics 164 to 169); watches hang on union objects, so they survive it.
 */
import type { ByteString } from '../core/index.js';
import type { WatchEventKind } from '../vfs/index.js';
import type { Node } from './node.js';
import type { UnionState } from './state.js';

/** Tells of an entry that came or went. */
export function tellEntry(
  state: UnionState,
  kind: 'create' | 'delete',
  directory: Node,
  name: ByteString,
  node: Node,
): void {
  if (!state.watches.active) return;
  const isDirectory = node.type === 'directory';
  state.watches.emit(directory.id, { kind, ino: node.id, name, isDirectory });
}

/** Tells of an object itself, and the directories where it is known to have a name. */
export function tellObject(state: UnionState, kind: WatchEventKind, node: Node): void {
  if (!state.watches.active) return;
  const event = { kind, ino: node.id, isDirectory: node.type === 'directory' };
  state.watches.emit(node.id, event);
  for (const { parent, name } of node.aliases) state.watches.emit(parent.id, { ...event, name });
}
