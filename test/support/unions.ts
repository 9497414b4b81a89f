/** Unions over file systems in memory, for tests. */
import { steppingClock } from '../../tools/core/index.js';
import type { ByteString } from '../../tools/core/index.js';
import { mountUnion, policies } from '../../tools/union/index.js';
import type { LayerSpec, Safeguard, Union, UnionPolicy, UnionWarning } from '../../tools/union/index.js';
import { FsError, MemoryFileSystem } from '../../tools/vfs/index.js';
import type { FileSystem, Ino, RenameFlags } from '../../tools/vfs/index.js';
import { find, newDirectoryAttributes, put, putDirectory } from './files.js';

/** An upper that can replace one name at a time only, as JFFS2 of plain Linux. */
export class SingleNameFileSystem extends MemoryFileSystem {
  override clone(): SingleNameFileSystem {
    const copy: unknown = Object.setPrototypeOf(super.clone(), SingleNameFileSystem.prototype);
    if (!(copy instanceof SingleNameFileSystem)) throw new Error('the clone lost its kind');
    return copy;
  }

  override rename(from: Ino, name: ByteString, to: Ino, newName: ByteString, flags: RenameFlags = {}): void {
    if (flags.exchange === true || flags.whiteout === true) throw new FsError('EINVAL', 'rename', name);
    super.rename(from, name, to, newName, flags);
  }
}

/** A file system in memory whose clock moves with each change. */
export function memory(single = false): MemoryFileSystem {
  const options = { clock: steppingClock(1_700_000_000, 1n) };
  return single ? new SingleNameFileSystem(options) : new MemoryFileSystem(options);
}

/** Finds or makes the directories `upper` and `work` on a file system, as OpenWrt's overlay partition has them. */
export function upperOn(fs: FileSystem): { upper: { fs: FileSystem; root: Ino; name: string }; work: Ino } {
  const make = (name: string): Ino =>
    fs.lookup(fs.root, name as ByteString) ?? fs.mkdir(fs.root, name as ByteString, newDirectoryAttributes);
  return { upper: { fs, root: make('upper'), name: 'upper' }, work: make('work') };
}

/** What a test union is made of. */
export interface TestUnion {
  /** Whole file systems, or directories of them. */
  readonly lowers: readonly (FileSystem | LayerSpec)[];
  readonly store?: FileSystem;
  readonly policy?: UnionPolicy;
  readonly sabotage?: readonly Safeguard[];
  readonly warn?: (warning: UnionWarning) => void;
}

/** Mounts a union; without a store it is read-only. */
export function unionOf({ lowers, store, ...rest }: TestUnion): Union {
  return mountUnion({
    lowers: lowers.map((lower, index) => ({
      name: `lower${index + 1}`,
      ...('fs' in lower ? lower : { fs: lower }),
    })),
    ...(store ? upperOn(store) : {}),
    ...rest,
  });
}

/** The default policy with changes. */
export function policyWith(changes: Partial<UnionPolicy>): UnionPolicy {
  return { ...policies.overlayfs, ...changes };
}

/** Names left in the work directory, except what stays there on purpose. */
export function strayIn(store: FileSystem): ByteString[] {
  const work = find(store, 'work/work');
  return store
    .readdir(work)
    .map((entry) => entry.name)
    .filter((name) => name !== '#whiteout');
}

/** A lower that holds files of the content `content`, and directories where a path ends in a slash. */
export function lowerWith(...paths: readonly string[]): MemoryFileSystem {
  const fs = memory();
  for (const path of paths) {
    if (path.endsWith('/')) putDirectory(fs, path.slice(0, -1));
    else put(fs, path);
  }
  return fs;
}
