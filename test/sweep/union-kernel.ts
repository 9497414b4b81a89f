/**
 * Differential test against the overlay of the running kernel, in a private mount namespace (needs root): the same
 * random calls on both, compared by errno, and by the whole tree at the end and after another mount.
 *
 *     npx tsx test/sweep/union-kernel.ts [sequences, default 2000] [first seed, default 1]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import * as host from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { byteStringFromText as b, seededRandom } from '../../tools/core/index.js';
import type { ByteString, RandomSource } from '../../tools/core/index.js';
import type { Union } from '../../tools/union/index.js';
import { FsError } from '../../tools/vfs/index.js';
import type { FileSystem, Ino } from '../../tools/vfs/index.js';
import { memory, unionOf } from '../support/unions.js';
import { viewOf } from '../support/union-scenes.js';

const file = { type: 'file', mode: 0o644, uid: 0, gid: 0 } as const;
const folder = { mode: 0o755, uid: 0, gid: 0 };
const options = 'redirect_dir=on,index=on,xino=on';

function main(): void {
  const [sequences = '2000', seed = '1', inside] = process.argv.slice(2);
  if (inside !== 'inside') {
    const self = [...process.execArgv, fileURLToPath(import.meta.url), sequences, seed, 'inside'];
    const { status } = spawnSync('unshare', ['-m', process.execPath, ...self], { stdio: 'inherit' });
    process.exitCode = status ?? 1;
    return;
  }
  process.umask(0o022);
  const base = '/mnt';
  execFileSync('mount', ['-t', 'tmpfs', 'union-kernel', base]);
  let differences = 0;
  for (let number = 0; number < Number(sequences); number += 1) {
    const difference = compare(base, Number(seed) + number);
    if (difference === undefined) continue;
    differences += 1;
    console.log(`seed ${Number(seed) + number}: ${difference}`);
  }
  console.log(`${sequences} sequences, ${differences} differences`);
  process.exitCode = differences > 0 ? 1 : 0;
}

/** One side of the comparison. */
interface Side {
  create(path: string, content: string): void;
  write(path: string, content: string): void;
  mkdir(path: string): void;
  rmdir(path: string): void;
  unlink(path: string): void;
  rename(from: string, to: string): void;
  link(from: string, to: string): void;
  chmod(path: string, mode: number): void;
  truncate(path: string, size: number): void;
}

function kernelSide(root: string): Side {
  const at = (path: string): string => join(root, path);
  return {
    create: (path, content) => host.writeFileSync(at(path), content, { flag: 'wx', mode: 0o644 }),
    write: (path, content) => host.writeFileSync(at(path), content, { flag: 'r+' }),
    mkdir: (path) => host.mkdirSync(at(path), 0o755),
    rmdir: (path) => host.rmdirSync(at(path)),
    unlink: (path) => host.unlinkSync(at(path)),
    rename: (from, to) => host.renameSync(at(from), at(to)),
    link: (from, to) => host.linkSync(at(from), at(to)),
    chmod: (path, mode) => host.chmodSync(at(path), mode),
    truncate: (path, size) => host.truncateSync(at(path), size),
  };
}

function ourSide(fs: FileSystem): Side {
  const find = (path: string): Ino => {
    let ino = fs.root;
    for (const name of path.split('/')) {
      if (name === '') continue;
      const next = fs.lookup(ino, b(name));
      if (next === undefined) throw new FsError('ENOENT', 'walk');
      ino = next;
    }
    return ino;
  };
  const parent = (path: string): [Ino, ByteString] => {
    const cut = path.lastIndexOf('/');
    const directory = find(path.slice(0, Math.max(cut, 0)));
    if (fs.getattr(directory).type !== 'directory') throw new FsError('ENOTDIR', 'walk');
    return [directory, b(path.slice(cut + 1))];
  };
  return {
    create: (path, content) => fs.write(fs.mknod(...parent(path), file), 0, Buffer.from(content)),
    write: (path, content) => {
      const ino = find(path);
      fs.open(ino, 'write');
      try {
        fs.write(ino, 0, Buffer.from(content));
      } finally {
        fs.release(ino);
      }
    },
    mkdir: (path) => fs.mkdir(...parent(path), folder),
    rmdir: (path) => fs.rmdir(...parent(path)),
    unlink: (path) => fs.unlink(...parent(path)),
    rename: (from, to) => {
      // The kernel's path walk refuses this before the file system is asked.
      if (from.startsWith(`${to}/`) && find(from) > 0) throw new FsError('ENOTEMPTY', 'walk');
      fs.rename(...parent(from), ...parent(to));
    },
    link: (from, to) => fs.link(find(from), ...parent(to)),
    chmod: (path, mode) => fs.setattr(find(path), { mode }),
    truncate: (path, size) => fs.setattr(find(path), { size }),
  };
}

function build(side: Side): void {
  for (const path of ['a', 'b', 'a/c', 'a/c/d']) side.mkdir(path);
  for (const path of ['f', 'a/f', 'b/g', 'a/c/f', 'a/c/d/g']) side.create(path, `content of ${path}`);
  side.link('b/g', 'a/h');
}

function errnoOf(call: () => void): string {
  try {
    call();
    return 'done';
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
}

const names = ['a', 'b', 'c', 'd', 'f', 'g', 'h'];

function randomPath(random: RandomSource): string {
  const depth = 1 + random.below(3);
  return Array.from({ length: depth }, () => names[random.below(names.length)]).join('/');
}

function randomCall(random: RandomSource): [string, (side: Side) => void] {
  const [path, other] = [randomPath(random), randomPath(random)];
  const mode = 0o600 + random.below(64);
  const calls: [string, (side: Side) => void][] = [
    [`create ${path}`, (side) => side.create(path, 'created')],
    [`write ${path}`, (side) => side.write(path, 'WRITTEN')],
    [`mkdir ${path}`, (side) => side.mkdir(path)],
    [`rmdir ${path}`, (side) => side.rmdir(path)],
    [`unlink ${path}`, (side) => side.unlink(path)],
    [`rename ${path} ${other}`, (side) => side.rename(path, other)],
    [`rename ${path} ${other}`, (side) => side.rename(path, other)],
    [`link ${path} ${other}`, (side) => side.link(path, other)],
    [`chmod ${path}`, (side) => side.chmod(path, mode)],
    [`truncate ${path}`, (side) => side.truncate(path, 3)],
  ];
  const call = calls[random.below(calls.length)];
  if (!call) throw new Error('no call');
  return call;
}

/** The kernel's tree in the lines of `viewOf`. */
function kernelView(root: string): string {
  const lines: string[] = [];
  const groups = new Map<number, number>();
  const visit = (path: string): void => {
    for (const name of host.readdirSync(join(root, path)).sort()) {
      const at = `${path}/${name}`;
      const stat = host.lstatSync(join(root, at));
      const group = groups.get(stat.ino) ?? groups.size;
      groups.set(stat.ino, group);
      const directory = stat.isDirectory();
      const links = directory ? '' : ` links ${stat.nlink} object ${group}`;
      const content = directory ? '' : host.readFileSync(join(root, at)).toString('latin1');
      const mode = (stat.mode & 0o7777).toString(8);
      lines.push(`${at} ${directory ? 'directory' : 'file'} ${mode}${links} '${content}'`);
      if (directory) visit(at);
    }
  };
  visit('');
  return lines.join('\n');
}

function compare(base: string, seed: number): string | undefined {
  const at = (name: string): string => join(base, String(seed), name);
  for (const name of ['lower', 'upper', 'work', 'merged']) host.mkdirSync(at(name), { recursive: true });
  build(kernelSide(at('lower')));
  const layers = `lowerdir=${at('lower')},upperdir=${at('upper')},workdir=${at('work')},${options}`;
  const mount = (): void =>
    void execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', layers, at('merged')]);
  const unmount = (): void => void execFileSync('umount', [at('merged')]);
  const lower = memory();
  build(ourSide(lower));
  const store = memory();
  let union: Union = unionOf({ lowers: [lower], store });
  mount();
  try {
    const random = seededRandom(seed);
    const done: string[] = [];
    for (let step = 1 + random.below(40); step > 0; step -= 1) {
      const [title, call] = randomCall(random);
      const [theirs, ours] = [kernelSide(at('merged')), ourSide(union)];
      const wanted = errnoOf(() => call(theirs));
      const got = errnoOf(() => call(ours));
      done.push(title);
      if (wanted !== got) return `${done.join('; ')}: kernel ${wanted}, union ${got}`;
    }
    for (const when of ['at the end', 'after another mount']) {
      const [theirs, ours] = [kernelView(at('merged')), viewOf(union)];
      if (theirs !== ours) return `${done.join('; ')}: ${when}\nkernel\n${theirs}\nunion\n${ours}`;
      unmount();
      union.unmount();
      mount();
      union = unionOf({ lowers: [lower], store });
    }
    return undefined;
  } finally {
    unmount();
    host.rmSync(join(base, String(seed)), { recursive: true, force: true });
  }
}

main();
