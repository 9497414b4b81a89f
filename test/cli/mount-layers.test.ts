/** Folders of the host as layers: what is mounted inside them or on the way to them, and folders that meet. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { byteStringFromText } from '../../tools/core/index.js';
import { readMountWords } from '../../tools/cli/mount/options.js';
import { Sources } from '../../tools/cli/mount/sources.js';
import { openUnion } from '../../tools/cli/mount/union-of-layers.js';
import { HostFileSystem } from '../../tools/vfs/index.js';
import type { FileSystem } from '../../tools/vfs/index.js';
import { errnoOf, find, names, put, textAt } from '../support/files.js';
import { mountNamespace, requires, root, tool } from '../support/requires.js';

const mounts = requires(root(), tool('mount'), tool('umount'), mountNamespace());

let base = '';
let sources = new Sources();
const at = (...parts: string[]): string => join(base, ...parts);

const mount = (...words: readonly string[]): void => {
  execFileSync('mount', words, { stdio: 'pipe' });
};
const umount = (path: string): number | null => spawnSync('umount', [path]).status;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'firmwright-layers-'));
  sources = new Sources();
});
afterEach(() => {
  sources[Symbol.dispose]();
  spawnSync('umount', ['--recursive', '--lazy', base]);
  rmSync(base, { recursive: true, force: true });
});

/** A tmpfs of its own, whose later mounts are passed on to other mounts of it; with the folders of a union. */
function sharedBase(): void {
  mount('-t', 'tmpfs', 'layers', base);
  mount('--make-shared', base);
  for (const name of ['lower/bound', 'lower/tmpfs', 'lower/later', 'upper/bound', 'work', 'other', 'view']) {
    mkdirSync(at(name), { recursive: true });
  }
  for (const name of ['lower/bound', 'lower/tmpfs', 'lower/later', 'other']) {
    writeFileSync(at(name, 'here'), name);
  }
}

function union(lower: string, upper = at('upper'), work = at('work')): FileSystem {
  const words = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`];
  return openUnion(readMountWords(words, { mode: 0o755, uid: 0, gid: 0 }), sources, () => undefined);
}

mounts('what is mounted inside a layer, before or after the union, is not part of it (union 13)', () => {
  sharedBase();
  mount('--bind', at('other'), at('lower/bound'));
  mount('-t', 'tmpfs', 'inside', at('lower/tmpfs'));
  mount('--bind', at('other'), at('upper/bound'));
  const fs = union(at('lower'));
  mount('--bind', at('other'), at('lower/later'));
  for (const name of ['bound', 'tmpfs', 'later']) {
    expect(names(fs, find(fs, name))).toEqual(['here']);
    expect(textAt(fs, `${name}/here`)).toBe(`lower/${name}`);
    put(fs, `${name}/new`, 'written');
  }
  expect(readdirSync(at('other'))).toEqual(['here']);
  expect(readdirSync(at('lower/tmpfs'))).toEqual([]);
  for (const name of ['lower/bound', 'lower/tmpfs', 'lower/later', 'upper/bound']) {
    expect(umount(at(name))).toBe(0);
  }
  expect(readFileSync(at('upper/bound/new'), 'utf8')).toBe('written');
  expect(readdirSync(at('upper')).sort()).toEqual(['bound', 'later', 'tmpfs']);
  expect(readdirSync(at('lower/bound'))).toEqual(['here']);
});

mounts('upper and work behind a mount of their own device are found through it (union 7, 13)', () => {
  sharedBase();
  mkdirSync(at('view/mounted'));
  mount('--bind', at('other'), at('view/mounted'));
  for (const name of ['upper', 'work']) mkdirSync(at('view/mounted', name));
  symlinkSync(at('view/mounted'), at('link'));
  put(union(at('lower'), at('link/upper'), at('view/mounted/work')), 'new', 'written');
  expect(readFileSync(at('other/upper/new'), 'utf8')).toBe('written');
});

mounts('upper and work in two mounts of one device are refused, as the kernel does (union 7)', () => {
  sharedBase();
  mount('--bind', at('other'), at('view'));
  mkdirSync(at('view/work'));
  expect(errnoOf(() => union(at('lower'), at('upper'), at('view/work')))).toBe('EINVAL');
});

mounts('a lower that holds the upper, seen through another mount, is refused (union 6)', () => {
  sharedBase();
  mkdirSync(at('other/a b/upper'), { recursive: true });
  mount('--bind', at('other/a b'), at('view'));
  mkdirSync(at('view/work'));
  expect(errnoOf(() => union(at('other'), at('view/upper'), at('view/work')))).toBe('ELOOP');
  expect(errnoOf(() => union(at('other/a b/upper'), at('view/upper'), at('view/work')))).toBe('ELOOP');
  expect(errnoOf(() => union(at('other/a b/work'), at('view/upper'), at('view/work')))).toBe('ELOOP');
  put(union(at('lower'), at('view/upper'), at('view/work')), 'new', 'written');
});

mounts('a folder that is a file system does not keep its mount busy', () => {
  sharedBase();
  using host = new HostFileSystem(byteStringFromText(base));
  expect(umount(base)).toBe(0);
  expect(textAt(host, 'other/here')).toBe('other');
});

test.each(['upper', 'work'])('a folder that another mount uses as %s is refused (union 5)', (used) => {
  for (const name of ['lower', 'upper', 'work', 'upper2', 'work2']) mkdirSync(at(name));
  union(at('lower'));
  using others = new Sources({ claimWaitMs: 0 });
  const folders = used === 'upper' ? [at('upper'), at('work2')] : [at('upper2'), at('work')];
  const words = [`lowerdir=${at('lower')}`, `upperdir=${folders[0]}`, `workdir=${folders[1]}`];
  const open = (): FileSystem =>
    openUnion(readMountWords(words, { mode: 0o755, uid: 0, gid: 0 }), others, () => undefined);
  expect(errnoOf(open)).toBe('EBUSY');
});

test('objects of several lowers on one device keep their numbers over copy-up and mounts (union 4, 127)', () => {
  for (const name of ['one', 'two', 'upper', 'work']) mkdirSync(at(name));
  for (const path of ['one/a', 'two/b']) writeFileSync(at(path), path);
  const lowers = `${at('one')}:${at('two')}`;
  const numbers = (fs: FileSystem): number[] => ['', 'a', 'b'].map((path) => find(fs, path));
  const before = numbers(union(lowers));
  for (let count = 0; count < 2; count += 1) {
    sources[Symbol.dispose]();
    sources = new Sources();
    const fs = union(lowers);
    expect(numbers(fs)).toEqual(before);
    for (const ino of before) fs.setattr(ino, { mtimeNs: 1n });
  }
});
