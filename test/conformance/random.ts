/**
 * Random calls on a file system and on the one in memory at once: every answer and the whole tree have to be equal.
 */
import { expect, test } from 'vitest';
import { seededRandom } from '../../tools/core/index.js';
import type { RandomSource } from '../../tools/core/index.js';
import { MemoryFileSystem, treeFromFileSystem } from '../../tools/vfs/index.js';
import type { FileSystem, Ino } from '../../tools/vfs/index.js';
import { b, errnoOf, newDirectoryAttributes, newFile } from '../support/files.js';
import type { Backend, Mounted } from './backend.js';
import { describeTree } from './reading.js';

const cases = 40;
const steps = 60;

type Step = (fileSystem: FileSystem) => unknown;

/** One random call, described by names so that it can be done on both sides. */
function randomStep(random: RandomSource, lacks: readonly string[]): [string, Step] {
  const pick = <Item>(items: readonly [Item, ...Item[]]): Item =>
    items[random.below(items.length)] ?? items[0];
  const directory = pick(['', 'd', 'e', 'd/e', 'd/d', 'e/d'] as const);
  const name = pick(['a', 'b', 'c', 'd', 'e'] as const);
  const [other, otherName] = [pick(['', 'd', 'e', 'd/e'] as const), pick(['a', 'b', 'c', 'd', 'e'] as const)];
  const [offset, length] = [random.below(12_000), 1 + random.below(5000)];
  const at = (fileSystem: FileSystem, path: string): Ino => {
    let ino = fileSystem.root;
    for (const part of path.split('/').filter((text) => text !== '')) {
      const next = fileSystem.lookup(ino, b(part));
      if (next === undefined) throw new Missing();
      ino = next;
    }
    return ino;
  };
  const path = `${directory}/${name}`;
  const all: [string, Step][] = [
    [
      `create ${path}`,
      (fs) => {
        fs.mknod(at(fs, directory), b(name), newFile);
      },
    ],
    [
      `mkdir ${path}`,
      (fs) => {
        fs.mkdir(at(fs, directory), b(name), newDirectoryAttributes);
      },
    ],
    [
      `symlink ${path}`,
      (fs) => {
        fs.symlink(at(fs, directory), b(name), b('target'), { ...newDirectoryAttributes, mode: 0o777 });
      },
    ],
    [
      `unlink ${path}`,
      (fs) => {
        fs.unlink(at(fs, directory), b(name));
      },
    ],
    [
      `rmdir ${path}`,
      (fs) => {
        fs.rmdir(at(fs, directory), b(name));
      },
    ],
    [
      `link ${path} ${other}/${otherName}`,
      (fs) => {
        fs.link(at(fs, path), at(fs, other), b(otherName));
      },
    ],
    [
      `rename ${path} ${other}/${otherName}`,
      (fs) => {
        fs.rename(at(fs, directory), b(name), at(fs, other), b(otherName));
      },
    ],
    [`write ${path} ${offset} ${length}`, (fs) => fs.write(at(fs, path), offset, Buffer.alloc(length, name))],
    [`truncate ${path} ${offset}`, (fs) => fs.setattr(at(fs, path), { size: offset }).size],
    [`chmod ${path} ${offset & 0o777}`, (fs) => chmod(fs, at(fs, path), offset & 0o777)],
    [`chown ${path}`, (fs) => fs.setattr(at(fs, path), { uid: offset, gid: length }).uid],
    [`read ${path}`, (fs) => Buffer.from(fs.read(at(fs, path), offset, length)).toString('hex')],
    [
      `list ${path}`,
      (fs) =>
        fs
          .readdir(at(fs, path))
          .map((entry) => `${entry.type} ${entry.name}`)
          .sort(),
    ],
  ];
  if (!lacks.includes('xattrs')) {
    all.push([
      `setxattr ${path}`,
      (fs) => {
        fs.setxattr(at(fs, path), b('trusted.x'), Buffer.alloc(length % 50, name));
      },
    ]);
  }
  if (!lacks.includes('exchange')) {
    all.push([
      `exchange ${path} ${other}/${otherName}`,
      (fs) => {
        fs.rename(at(fs, directory), b(name), at(fs, other), b(otherName), { exchange: true });
      },
    ]);
  }
  return all[random.below(all.length)] ?? ['nothing', () => undefined];
}

/** A path of the step is not there: on both sides alike, so it is an answer, not a failure. */
class Missing extends Error {}

/** The mode of a symlink means nothing, and Linux cannot change it. */
function chmod(fileSystem: FileSystem, ino: Ino, mode: number): unknown {
  if (fileSystem.getattr(ino).type === 'symlink') return 'symlink';
  return fileSystem.setattr(ino, { mode }).mode;
}

function outcome(step: Step, fileSystem: FileSystem): unknown {
  let result: unknown;
  try {
    const code = errnoOf(() => {
      result = step(fileSystem);
    });
    return code ?? result;
  } catch (error) {
    if (error instanceof Missing) return 'missing';
    throw error;
  }
}

/** Times differ between clocks; everything else has to be equal. */
function state(fileSystem: FileSystem): string {
  return JSON.stringify(describeTree(treeFromFileSystem(fileSystem)), (key, value: unknown) =>
    key === 'mtimeNs' ? undefined : value,
  );
}

/** Random sequences against the model, and again after a remount where the backend has one. */
export function randomTests(backend: Backend, mountEmpty: () => Mounted): void {
  const replay = process.env['FW_REPLAY'];
  const seeds = replay === undefined ? Array.from({ length: cases }, (_, seed) => seed) : [Number(replay)];
  test(`answers as the model does to ${seeds.length} random sequences of ${steps} calls`, () => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const model = new MemoryFileSystem();
      const mounted = mountEmpty();
      const log: string[] = [];
      const hint = (): string =>
        `FW_REPLAY=${seed} npx vitest run test/conformance -t '${backend.name}'\n${log.join('\n')}`;
      for (let count = 0; count < steps; count++) {
        const [title, step] = randomStep(random, backend.lacks ?? []);
        log.push(title);
        const expected = outcome(step, model);
        expect(outcome(step, mounted.fileSystem), hint()).toEqual(expected);
      }
      expect(state(mounted.fileSystem), hint()).toBe(state(model));
      const again = mounted.remount?.();
      if (again) expect(state(again), `after a remount: ${hint()}`).toBe(state(model));
    }
  });
}
