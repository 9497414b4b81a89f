/**
 * JFFS2 against its peers on the same tree: `npx tsx test/bench/jffs2.ts [megabytes]`. Prints a table of ratios, and
 * JSON on the last line. Needs the fixtures, mkfs.jffs2 and sumtool. Below 1.00 we are smaller or faster.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scanJffs2, writeJffs2, writeJffs2Compatible } from '../../tools/jffs2/index.js';
import type { TreeDirectory } from '../../tools/vfs/index.js';
import { walkTree } from '../../tools/vfs/index.js';
import { readHostTree } from '../support/host-tree.js';
import { fixturePath } from '../support/requires.js';

const megabytes = Number(process.argv[2] ?? 60);
const folder = mkdtempSync(join(tmpdir(), 'firmwright-bench-'));
const tree = join(folder, 'tree');
const rows: { name: string; ours: number; peer: number; ratio: number; goal: number; unit: string }[] = [];

function makeTree(): void {
  const parts = [
    'rootfs-openwrt-19.07.7-rt305x-mips-le',
    'rootfs-openwrt-15.05-ath25-mips-be',
    'corpus-canterbury',
  ];
  const once = join(folder, 'once');
  for (const part of parts) {
    mkdirSync(join(once, part), { recursive: true });
    execFileSync('tar', ['-xJf', fixturePath(`${part}.tar.xz`), '-C', join(once, part)]);
  }
  mkdirSync(tree);
  for (let copy = 0, size = 0; size < megabytes * 1e6; copy++) {
    cpSync(once, join(tree, `copy-${copy}`), {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
    });
    size += contentSize(readHostTree(join(tree, `copy-${copy}`)));
  }
}

function contentSize(root: TreeDirectory): number {
  let size = 0;
  for (const { inode } of walkTree(root)) if (inode.type === 'file') size += inode.content.size;
  return size;
}

/** Runs something three times and gives the shortest wall time in seconds, with the last result. */
function best<T>(run: () => T): { readonly seconds: number; readonly result: T } {
  let seconds = Infinity;
  for (let i = 0; ; i++) {
    const start = performance.now();
    const result = run();
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
    if (i === 2) return { seconds, result };
  }
}

function row(name: string, ours: number, peer: number, goal: number, unit: string): void {
  rows.push({ name, ours, peer, ratio: ours / peer, goal, unit });
}

try {
  makeTree();
  const output = join(folder, 'image');
  const mkfs = (...args: string[]): void => {
    execFileSync('mkfs.jffs2', ['-r', tree, '-o', output, '-l', '-e', '64KiB', ...args], { stdio: 'ignore' });
  };
  // Both sides read the tree from the folder and write the image to a file.
  const theirs = best(() => mkfs());
  const theirSize = statSync(output).size;
  const theirBytes = readFileSync(output);
  const same = best(() =>
    writeFileSync(output, writeJffs2Compatible(readHostTree(tree), { endian: 'little' })),
  );
  if (!readFileSync(output).equals(theirBytes)) throw new Error('the compatible image differs');
  row('wall time, same bytes as mkfs.jffs2', same.seconds, theirs.seconds, 1.0, 's');

  const options = { endian: 'little', eraseSize: 65536, pad: 'none' } as const;
  const own = best(() => writeFileSync(output, writeJffs2(readHostTree(tree), options)));
  const ownSize = statSync(output).size;
  row('wall time, libdeflate (default)', own.seconds, theirs.seconds, 2.0, 's');
  row('image size, zlib', ownSize, theirSize, 0.96, 'bytes');

  const lzmaStart = performance.now();
  const lzma = writeJffs2(readHostTree(tree), { ...options, compression: 'openwrt' });
  row('image size, lzma', lzma.length, theirSize, 0.94, 'bytes');
  row(
    'wall time, lzma (no peer; against zlib of mkfs.jffs2)',
    (performance.now() - lzmaStart) / 1000,
    theirs.seconds,
    NaN,
    's',
  );

  writeFileSync(output, theirBytes);
  const summed = join(folder, 'summed');
  execFileSync('sumtool', ['-i', output, '-o', summed, '-e', '64KiB', '--littleendian']);
  const sumtoolSize = statSync(summed).size;
  const withSummaries = writeJffs2(readHostTree(tree), { ...options, summaries: true });
  row('image size with summaries, against sumtool', withSummaries.length, sumtoolSize, 0.98, 'bytes');

  const dump = new Uint8Array(16 << 20).fill(0xff);
  dump.set(theirBytes.subarray(0, dump.length));
  const cut = Math.floor(Math.min(theirBytes.length, dump.length) / 65536) * 65536;
  dump.fill(0xff, cut);
  const read = best(() => scanJffs2(dump));
  row('reading a 16 MiB dump into a tree', read.seconds, 0.3, 1.0, 's');

  console.log(
    'name'.padEnd(56),
    'ours'.padStart(12),
    'peer'.padStart(12),
    'ratio'.padStart(7),
    'goal'.padStart(6),
  );
  const number = (value: number, unit: string): string =>
    (unit === 's' ? value.toFixed(3) : String(value)).padStart(12);
  for (const { name, ours, peer, ratio, goal, unit } of rows) {
    const wanted = Number.isNaN(goal) ? '-' : goal.toFixed(2);
    console.log(
      name.padEnd(56),
      number(ours, unit),
      number(peer, unit),
      ratio.toFixed(3).padStart(7),
      wanted.padStart(6),
    );
  }
  console.log(JSON.stringify({ megabytes, rows }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
