/**
 * The overlay of the running kernel beside a union of ours: the same random work on both, compared by every errno, and by
 * the whole tree at the end and after another mount. Needs root, and a mount namespace that nobody else uses.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { byteStringFromText, seededRandom, steppingClock } from '../../tools/core/index.js';
import type { RandomSource } from '../../tools/core/index.js';
import {
  HostFileSystem,
  MemoryFileSystem,
  memoryFromTree,
  statPath,
  treeFromFileSystem,
} from '../../tools/vfs/index.js';
import type { FileSystem } from '../../tools/vfs/index.js';
import { applyOperation, dataPool } from './file-operations.js';
import { randomOperations } from './random-operations.js';
import type { FileOperation } from './file-operations.js';
import { unionOf } from './unions.js';
import { differenceOf, shownBy, workTime } from './views.js';

const options = 'redirect_dir=on,index=on,xino=on';
const pool = dataPool(1);
/** Most operations of one sequence. */
const lengthMax = 40;

/** Does one sequence on both; tells the first difference. */
export function compareWithKernel(base: string, seed: number): string | undefined {
  const random = seededRandom(seed);
  const folder = join(base, String(seed));
  const at = (name: string): string => join(folder, name);
  const lowers = random.below(2) === 0 ? ['lower1'] : ['lower1', 'lower2'];
  for (const name of [...lowers, 'upper', 'work', 'merged']) mkdirSync(at(name), { recursive: true });
  const ourLowers = lowers.map((name) => lowerOnBoth(random, at(name)));
  const store = ourMemory();
  const lowerdir = lowers.map(at).join(':');
  const layers = `lowerdir=${lowerdir},upperdir=${at('upper')},workdir=${at('work')},${options}`;
  const done: string[] = [];
  /** Mounts both, lets them work, compares the trees, and ends both. */
  const session = (operations: readonly FileOperation[]): string | undefined => {
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', layers, at('merged')]);
    const kernel = onHost(at('merged'));
    try {
      const union = unionOf({ lowers: ourLowers, store });
      for (const operation of operations) {
        done.push(JSON.stringify(operation));
        const [wanted, got] = [kernel, union].map((fs) => answer(fs, operation));
        if (wanted !== got) return `kernel ${wanted}, union ${got}`;
      }
      const difference = differenceOf(shownBy(kernel), shownBy(union));
      union.unmount();
      return difference;
    } finally {
      kernel[Symbol.dispose]();
      execFileSync('umount', [at('merged')]);
    }
  };
  try {
    const merged = unionOf({ lowers: ourLowers, store: ourMemory() });
    const model = memoryFromTree(treeFromFileSystem(merged));
    const mix = { names: 5, writeMax: 3000, sizeMax: 6000, renameFlags: true };
    const count = 1 + random.below(lengthMax);
    const work = randomOperations(random, { ...mix, count }, model);
    const difference = session(work) ?? session([]);
    return difference && `${done.join('\n')}\n${difference}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function onHost(folder: string): HostFileSystem {
  return new HostFileSystem(byteStringFromText(folder));
}

function ourMemory(): MemoryFileSystem {
  return new MemoryFileSystem({ clock: steppingClock(1_700_000_000, 1n) });
}

/** Fills a folder and a file system in memory with the same work. */
function lowerOnBoth(random: RandomSource, folder: string): MemoryFileSystem {
  const lower = ourMemory();
  const host = onHost(folder);
  const mix = { count: 40, names: 4, writeMax: 3000, sizeMax: 6000 };
  for (const operation of randomOperations(random, mix)) {
    // A device 0:0 is a whiteout; the kernel lists one that lies in a directory of one layer (union 32).
    if (operation.kind === 'mknod' && operation.major + operation.minor === 0) continue;
    for (const fs of [host, lower]) applyOperation(fs, operation, pool);
  }
  // What nobody touches keeps its times, also through a copy-up.
  for (const fs of [host, lower]) setTimes(fs, BigInt(workTime - 1000) * 1_000_000_000n);
  host[Symbol.dispose]();
  return lower;
}

function setTimes(fs: FileSystem, time: bigint, directory = fs.root): void {
  for (const { ino, type } of fs.readdir(directory)) {
    if (type === 'directory') setTimes(fs, time, ino);
    else if (type !== 'symlink') fs.setattr(ino, { atimeNs: time, mtimeNs: time });
  }
  fs.setattr(directory, { atimeNs: time, mtimeNs: time });
}

function answer(fs: FileSystem, operation: FileOperation): string {
  // The kernel's path walk refuses this before the file system is asked.
  const { path } = operation;
  if (operation.kind === 'rename' && operation.from.startsWith(`${path}/`)) return 'walk';
  if (operation.kind === 'truncate') {
    // Tmpfs, the upper here, leaves the times when the size stays; other file systems of Linux do not.
    const found = statPath(fs, byteStringFromText(path));
    if (found?.type === 'file' && found.size === operation.size) return 'same size';
  }
  return applyOperation(fs, operation, pool);
}
