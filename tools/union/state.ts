/** What all operations of one union share. */
import type { ByteString } from '../core/index.js';
import { FsError } from '../vfs/index.js';
import type { FileSystem, Ino, Lock, Watches } from '../vfs/index.js';
import type { Layer } from './layers.js';
import type { Node, NodeTable } from './node.js';
import type { UnionPolicy } from './policy.js';
import type { WorkDirectory } from './work-directory.js';
import type { WriteBackErrors } from './write-back.js';

/** Code of something the user should know but that stops nothing. */
export type WarningCode =
  'FW_UNION_ABILITY' | 'FW_UNION_MARKS' | 'FW_UNION_REDIRECT' | 'FW_UNION_LEFTOVER' | 'FW_UNION_READ_ONLY';

/** A warning of a union. */
export interface UnionWarning {
  readonly code: WarningCode;
  readonly message: string;
}

/** The upper layer with the directory in which changes are prepared. */
export interface WritableLayer extends Layer {
  readonly work: WorkDirectory;
}

/** A mounted union. */
export interface UnionState {
  readonly policy: UnionPolicy;
  readonly upper: WritableLayer | undefined;
  readonly lowers: readonly Layer[];
  readonly nodes: NodeTable;
  readonly root: Node;
  /** Held alone by what changes ancestry, shared by all other changes. */
  readonly topology: Lock;
  readonly watches: Watches;
  readonly writeBack: WriteBackErrors;
  /** File mode creation mask of whoever causes a copy (92). */
  readonly umask: () => number;
  readonly warn: (warning: UnionWarning) => void;
  /** Places where a test removes a safeguard, to see that the explorer notices; empty in use. */
  readonly sabotage: ReadonlySet<Safeguard>;
  readOnly: boolean;
  /** The upper holds marks of another version: the union stays read-only. */
  foreign: boolean;
}

/** Safeguards that a test can remove. */
export type Safeguard =
  'copy-up re-check' | 'whiteout order' | 'opaque before visible' | 'parent lock' | 'index update';

/** The upper, or EROFS. */
export function writable(state: UnionState, syscall: string): WritableLayer {
  if (state.readOnly || !state.upper) throw new FsError('EROFS', syscall);
  return state.upper;
}

/** The object of a number, or ESTALE. */
export function nodeOf(state: UnionState, ino: Ino, syscall: string): Node {
  const node = state.nodes.get(ino);
  if (!node) throw new FsError('ESTALE', syscall);
  return node;
}

/** The directory of a number; ENOTDIR for anything else. */
export function directoryOf(state: UnionState, ino: Ino, syscall: string): Node {
  const node = nodeOf(state, ino, syscall);
  if (node.type !== 'directory') throw new FsError('ENOTDIR', syscall);
  return node;
}

/** Ends the object when neither name nor user is left. */
export function forgetIfUnused(state: UnionState, node: Node): void {
  if (node.dead && node.holds === 0) state.nodes.forget(node);
}

/** The layer and object that attributes come from. */
export function topPart(state: UnionState, node: Node): { readonly fs: FileSystem; readonly ino: Ino } {
  if (node.upper !== 0 && state.upper) return { fs: state.upper.fs, ino: node.upper };
  const part = node.lowers[0];
  if (!part) throw new FsError('ESTALE', 'layer');
  return { fs: part.layer.fs, ino: part.ino };
}

/** Absolute path of a directory, as the lowers know it: redirects applied. */
export function lowerPath(node: Node): ByteString {
  let path = '';
  let at = node;
  for (let alias = at.aliases[0]; alias; alias = at.aliases[0]) {
    if (at.redirect?.startsWith('/')) return (at.redirect + path) as ByteString;
    path = `/${at.redirect ?? alias.name}${path}`;
    at = alias.parent;
  }
  return (path === '' ? '/' : path) as ByteString;
}

/** Absolute path of a name in the union. */
export function pathOf(parent: Node, name: ByteString): ByteString {
  let path = `/${name}`;
  for (let alias = parent.aliases[0]; alias; alias = alias.parent.aliases[0]) path = `/${alias.name}${path}`;
  return path as ByteString;
}
