/**
 * The scene in which operations of a union meet: a tree with everything that makes a union hard, and one operation for
 * each way to change it. A view is what users see, as lines to compare.
 */
import type { Safeguard, Union, UnionPolicy } from '../../tools/union/index.js';
import type { FileSystem, MemoryFileSystem, Startable } from '../../tools/vfs/index.js';
import { b, find, newDirectoryAttributes, newFile, placeOf, put, putDirectory } from './files.js';
import { memory, unionOf } from './unions.js';

/** Lower and upper of the scene; clones of them are cheap. */
export interface Scene {
  readonly lower: MemoryFileSystem;
  readonly store: MemoryFileSystem;
}

/** Builds the scene once; `single` gives an upper that replaces one name at a time. */
export function buildScene(single: boolean, policy: UnionPolicy): Scene {
  const lower = sceneLower();
  const store = memory(single);
  prepareUpper(lower, store, policy);
  return { lower, store };
}

/** The lower of the scene, read-only. */
export function sceneLower(): MemoryFileSystem {
  const lower = memory();
  for (const path of ['d', 'd/sub', 'e', 'old', 'old/deep', 'gone']) putDirectory(lower, path);
  put(lower, 'd/f', 'lower f');
  put(lower, 'd/g', 'lower g');
  put(lower, 'd/t', 'lower t');
  put(lower, 'd/sub/x', 'lower x');
  put(lower, 'old/child', 'child');
  put(lower, 'gone/ghost', 'a ghost');
  const hard = put(lower, 'd/h1', 'hard');
  lower.link(hard, find(lower, 'e'), b('h2'));
  lower.readOnly = true;
  return lower;
}

/** Makes the upper of the scene on any file system. */
export function prepareUpper(lower: MemoryFileSystem, store: FileSystem, policy: UnionPolicy): void {
  const union = unionOf({ lowers: [lower], store, policy });
  // Changes that leave upper objects, whiteouts and an opaque directory behind.
  put(union, 'e/u', 'upper u');
  union.write(find(union, 'd/t'), 0, Buffer.from('UPPER t'));
  union.unlink(find(union, 'gone'), b('ghost'));
  union.rmdir(union.root, b('gone'));
  putDirectory(union, 'pure');
  union.unlink(find(union, 'old'), b('child'));
  union.rmdir(find(union, 'old'), b('deep'));
  union.unmount();
}

/** Mounts the scene as it is on a store. */
export function mountScene(
  scene: Scene,
  store: MemoryFileSystem,
  policy: UnionPolicy,
  sabotage: readonly Safeguard[] = [],
): Union {
  return unionOf({ lowers: [scene.lower], store, policy, sabotage });
}

/** An operation of the scene: what it needs is looked up before any other operation starts. */
export interface SceneOperation {
  readonly name: string;
  prepare(union: Union): Startable<unknown>;
}

function op(name: string, prepare: (union: Union) => Startable<unknown>): SceneOperation {
  return { name, prepare };
}

const create = (path: string): SceneOperation =>
  op(`create ${path}`, (union) => union.operations.mknod(...placeOf(union, path), newFile));
const mkdir = (path: string): SceneOperation =>
  op(`mkdir ${path}`, (union) => union.operations.mkdir(...placeOf(union, path), newDirectoryAttributes));
const unlink = (path: string): SceneOperation =>
  op(`unlink ${path}`, (union) => union.operations.unlink(...placeOf(union, path)));
const rmdir = (path: string): SceneOperation =>
  op(`rmdir ${path}`, (union) => union.operations.rmdir(...placeOf(union, path)));
const rename = (from: string, to: string, exchange = false): SceneOperation =>
  op(`${exchange ? 'exchange' : 'rename'} ${from} ${to}`, (union) =>
    union.operations.rename(...placeOf(union, from), ...placeOf(union, to), { exchange }),
  );
const link = (from: string, to: string): SceneOperation =>
  op(`link ${from} ${to}`, (union) => union.operations.link(find(union, from), ...placeOf(union, to)));
const chmod = (path: string): SceneOperation =>
  op(`chmod ${path}`, (union) => union.operations.setattr(find(union, path), { mode: 0o600 }));
const truncate = (path: string): SceneOperation =>
  op(`truncate ${path}`, (union) => union.operations.setattr(find(union, path), { size: 0 }));
const write = (path: string): SceneOperation =>
  op(`write ${path}`, (union) => union.operations.write(find(union, path), 2, Buffer.from('WRITTEN')));
const read = (path: string): SceneOperation =>
  op(`read ${path}`, (union) => {
    const bytes = union.operations.read(find(union, path), 0, 100);
    return function* (task) {
      return [...(yield* bytes(task))];
    };
  });
const lookup = (path: string): SceneOperation =>
  op(`look up ${path}`, (union) => {
    const found = union.operations.lookup(...placeOf(union, path));
    return function* (task) {
      return (yield* found(task)) !== undefined;
    };
  });
const list = (path: string): SceneOperation =>
  op(`list ${path}`, (union) => {
    const listing = union.operations.listing(find(union, path));
    return function* (task) {
      return (yield* listing(task)).after(0, Infinity).map((entry) => entry.name);
    };
  });

/** One operation for each way in which a union changes or is read. */
export const sceneOperations: readonly SceneOperation[] = [
  chmod('d/f'),
  write('d/f'),
  truncate('d/f'),
  unlink('d/f'),
  rename('d/f', 'd/r'),
  rename('d/f', 'e/r'),
  rename('d/f', 'd/g'),
  rename('d/f', 'd/t'),
  rename('d/g', 'd/f'),
  rename('d/f', 'd/t', true),
  link('d/f', 'e/linked'),
  unlink('d/t'),
  rename('d/t', 'e/r'),
  chmod('d/h1'),
  write('e/h2'),
  unlink('e/h2'),
  chmod('d/sub/x'),
  unlink('d/sub/x'),
  rmdir('old'),
  create('old/child'),
  mkdir('gone'),
  create('gone'),
  rename('pure', 'gone'),
  rename('d/sub', 'e/sub'),
  rename('d', 'dd'),
  read('d/f'),
  lookup('gone'),
  list('d'),
  create('e/r'),
  create('d/new'),
  op('remount read-only', (union) => union.operations.remount(true)),
];
