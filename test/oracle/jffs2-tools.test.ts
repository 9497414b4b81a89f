/** The tools of mtd-utils: our compatible mode against mkfs.jffs2, our images under jffs2dump and sumtool. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import {
  applyDeviceTable,
  compressors,
  parseDeviceTable,
  scanJffs2,
  squashTree,
  writeJffs2,
  writeJffs2Compatible,
} from '../../tools/jffs2/index.js';
import type { CompatibleOptions, Compression, TableAdditions } from '../../tools/jffs2/index.js';
import type { TreeDirectory } from '../../tools/vfs/index.js';
import { readHostTree } from '../support/host-tree.js';
import { listing, noise, sampleTree, textLike } from '../support/jffs2-trees.js';
import { fixture, fixturePath, requires, root, tool } from '../support/requires.js';

const rootfs = 'rootfs-openwrt-19.07.7-rt305x-mips-le.tar.xz';
const needs = [tool('mkfs.jffs2'), root()];
let folder = '';
let small: TreeDirectory | undefined;
let real: TreeDirectory | undefined;

/** A folder with what a tar does not bring: odd sizes, zeros, noise, a name that sorts by bytes, many small files. */
function makeSmallFolder(path: string): void {
  mkdirSync(join(path, 'sub/deep/er'), { recursive: true });
  const files: Record<string, Uint8Array> = {
    empty: new Uint8Array(),
    one: Uint8Array.of(97),
    short: textLike(31, 1),
    page: textLike(4096, 2),
    'page-and-one': textLike(4097, 3),
    zeros: new Uint8Array(10_000),
    noise: noise(70_000, 4),
    text: textLike(150_000, 5),
    Zed: textLike(100, 6),
    ümlaut: textLike(100, 7),
  };
  for (let i = 0; i < 80; i++) files[`sub/f${i}`] = i % 2 ? textLike(i * 41, i) : noise(i * 37, i);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(path, name), bytes);
  execFileSync(
    'sh',
    [
      '-c',
      'ln -s ../text sub/link; ln text sub/deep/hard; mknod null c 1 3; mknod large b 300 70000; mkfifo pipe; chown 1000:70000 one; chmod 4750 short',
    ],
    { cwd: path },
  );
  for (const name of [...Object.keys(files), 'sub/deep/er', 'sub'])
    utimesSync(join(path, name), 1.7e9, 1.7e9);
}

beforeAll(() => {
  if (!needs.every((need) => need.met)) return;
  folder = mkdtempSync(join(tmpdir(), 'firmwright-jffs2-'));
  mkdirSync(join(folder, 'small'));
  makeSmallFolder(join(folder, 'small'));
  small = readHostTree(join(folder, 'small'));
  if (!fixture(rootfs).met) return;
  mkdirSync(join(folder, 'real'));
  execFileSync('tar', ['-xJf', fixturePath(rootfs), '-C', join(folder, 'real')]);
  real = readHostTree(join(folder, 'real'));
});

afterAll(() => {
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

/** Runs mkfs.jffs2 on one of the folders. */
function mkfs(name: string, args: readonly string[]): Uint8Array {
  const image = join(folder, 'theirs.img');
  execFileSync('mkfs.jffs2', ['-r', join(folder, name), '-o', image, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return new Uint8Array(readFileSync(image));
}

const { zlib, rtime, lzo } = compressors;
const mode = (name: Compression['mode'], ...list: Compression['compressors']): Compression => ({
  mode: name,
  compressors: list,
});
const none = mode('none');

const cases: readonly (readonly [string, CompatibleOptions])[] = [
  ['-l', { endian: 'little' }],
  ['-b', { endian: 'big' }],
  ['-l -n -e 128KiB --pad', { endian: 'little', eraseSize: 131072, cleanmarkerSize: 0, pad: 'block' }],
  ['-b -s 2048 -e 16KiB', { endian: 'big', eraseSize: 16384, pageSize: 2048 }],
  ['-l -s 1024 -e 8KiB --pad', { endian: 'little', eraseSize: 8192, pageSize: 1024, pad: 'block' }],
  ['-l -s 65536 -e 256KiB', { endian: 'little', eraseSize: 262144, pageSize: 65536 }],
  ['-l -m none', { endian: 'little', compression: none }],
  ['-b -m none -e 8KiB', { endian: 'big', eraseSize: 8192, compression: none }],
  ['-l -x zlib', { endian: 'little', compression: mode('priority', rtime) }],
  ['-l -m size', { endian: 'little', compression: mode('size', zlib, rtime) }],
  ['-l -X lzo', { endian: 'little', compression: mode('priority', lzo, zlib, rtime) }],
  ['-b -X lzo -m size', { endian: 'big', compression: mode('size', lzo, zlib, rtime) }],
  ['-l -X lzo -m favourlzo', { endian: 'little', compression: mode('favourlzo', lzo, zlib, rtime) }],
  ['-l -y 90:rtime', { endian: 'little', compression: mode('priority', rtime, zlib) }],
  ['-l -c 16 --pad=0x200000', { endian: 'little', cleanmarkerSize: 16, pad: 0x200000 }],
  ['-l -n --pad=3333333', { endian: 'little', cleanmarkerSize: 0, pad: 3333333 }],
  ['-l --pad=100', { endian: 'little', pad: 100 }],
];

describe('compatible mode gives the bytes of mkfs.jffs2', () => {
  for (const [args, options] of cases) {
    requires(...needs)(`${args}, on files of odd sizes`, () => {
      if (!small) throw new Error('no tree');
      const theirs = mkfs('small', args.split(' '));
      expect(Buffer.from(writeJffs2Compatible(small, options)).equals(theirs)).toBe(true);
    });
    requires(...needs, fixture(rootfs))(`${args}, on a router's root file system`, () => {
      if (!real) throw new Error('no tree');
      const theirs = mkfs('real', args.split(' '));
      expect(Buffer.from(writeJffs2Compatible(real, options)).equals(theirs)).toBe(true);
    });
  }
});

const table = `# made for the test
/one f 4755 7 8 - - - - -
/sub d 700 1 1 - - - - -
/new d 755 0 0 - - - - -
/new/tty c 640 0 5 4 64 0 1 3
/null c 666 0 0 1 5 0 0 -
/new/pipe p 600 3 4 - - - - -
`;

describe('tables and squashing give the bytes of mkfs.jffs2', () => {
  for (const options of [['-q'], ['-U'], ['-P'], ['-U', '-D'], ['-D'], ['-q', '-D']]) {
    requires(...needs)(options.join(' '), () => {
      const tree = readHostTree(join(folder, 'small'));
      const args = ['-l', '-f', ...options];
      const has = (letter: string): boolean => options.includes(letter);
      squashTree(tree, { times: true, owners: has('-q') || has('-U'), permissions: has('-q') || has('-P') });
      let added: TableAdditions = new Map();
      if (has('-D')) {
        const path = join(folder, 'table');
        writeFileSync(path, table);
        args.push(path);
        added = applyDeviceTable(tree, parseDeviceTable(table), 0n);
      }
      const ours = writeJffs2Compatible(tree, { endian: 'little', added });
      expect(Buffer.from(ours).equals(mkfs('small', args))).toBe(true);
    });
  }
});

/** Complaints of a listing by jffs2dump: everything but the lines that describe nodes. */
function dumpComplaints(image: Uint8Array, endian: 'little' | 'big'): string[] {
  const path = join(folder, 'dump.img');
  writeFileSync(path, image);
  const run = spawnSync('jffs2dump', [endian === 'little' ? '-l' : '-b', '-c', path], {
    encoding: 'latin1',
    maxBuffer: 64 << 20,
  });
  expect(run.status).toBe(0);
  return `${run.stdout}${run.stderr}`
    .split('\n')
    .filter(
      (line) => !/^\s*(Dirent|Inode|Xattr|Xref|Cleanmarker|Padding|Empty space|Inode Sum)\b/i.test(line),
    )
    .filter((line) => /wrong|bad|error|invalid|mismatch|crc/i.test(line));
}

describe('jffs2dump finds no fault in our images', () => {
  for (const endian of ['little', 'big'] as const) {
    requires(tool('jffs2dump'), ...needs)(`${endian}-endian`, () => {
      for (const summaries of [false, true]) {
        const image = writeJffs2(sampleTree(), { endian, eraseSize: 65536, summaries });
        expect(dumpComplaints(image, endian)).toEqual([]);
        const broken = image.slice();
        broken[200] = (broken[200] ?? 0) ^ 1;
        expect(dumpComplaints(broken, endian).length).toBeGreaterThan(0);
      }
    });
  }
});

describe('sumtool', () => {
  for (const endian of ['little', 'big'] as const) {
    requires(tool('sumtool'), ...needs)(
      `what it makes of our ${endian}-endian image reads back, and ours is smaller`,
      () => {
        const tree = sampleTree();
        const plain = join(folder, 'plain.img');
        const summed = join(folder, 'summed.img');
        writeFileSync(plain, writeJffs2(tree, { endian, eraseSize: 65536 }));
        execFileSync('sumtool', [
          '-i',
          plain,
          '-o',
          summed,
          '-e',
          '64KiB',
          endian === 'little' ? '--littleendian' : '--bigendian',
        ]);
        const theirs = new Uint8Array(readFileSync(summed));
        const scan = scanJffs2(theirs, { eraseSize: 65536 });
        expect(listing(scan.tree)).toEqual(listing(tree));
        expect(scan.report.blocks.filter((block) => block.summary).length).toBeGreaterThan(0);
        const ours = writeJffs2(tree, { endian, eraseSize: 65536, summaries: true, pad: 'none' });
        expect(ours.length).toBeLessThanOrEqual(theirs.length);
      },
    );
  }
});
