/** Real images and dumps of real devices, against listings that another reader made. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { scanJffs2 } from '../../../tools/jffs2/index.js';
import type { Jffs2Scan } from '../../../tools/jffs2/index.js';
import { walkTree } from '../../../tools/vfs/index.js';
import type { TreeInode } from '../../../tools/vfs/index.js';
import { digest } from '../../support/jffs2-trees.js';
import { fixture, fixturePath, requires } from '../../support/requires.js';

/** Name and type bits of the listings' types. */
const types = {
  file: ['file', 0o100000],
  directory: ['dir', 0o040000],
  symlink: ['symlink', 0o120000],
  char: ['char', 0o020000],
  block: ['block', 0o060000],
  fifo: ['fifo', 0o010000],
  socket: ['sock', 0o140000],
} as const;

function detailOf(inode: TreeInode): readonly [size: number, detail: string] {
  if (inode.type === 'file') {
    return [inode.content.size, digest(inode.content.read(0, inode.content.size))];
  }
  return inode.type === 'symlink' ? [inode.target.length, inode.target] : [0, ''];
}

/**
 * The listing as the .files.tsv holds it; the other reader shows a directory's own time, Linux (and so we) that of its
 * newest name, so times of directories are left out.
 */
function listingOf(scan: Jffs2Scan): string[] {
  const lines: string[] = [];
  for (const { path, inode } of walkTree(scan.tree)) {
    const [type, bits] = types[inode.type];
    const mode = (bits | inode.mode).toString(8).padStart(6, '0');
    const time = inode.type === 'directory' ? '-' : inode.mtimeNs / 1_000_000_000n;
    lines.push(
      [path, type, mode, inode.uid, inode.gid, ...[detailOf(inode)[0], time, detailOf(inode)[1]]].join('\t'),
    );
  }
  return lines.sort();
}

function expectedListing(name: string): string[] {
  const [, ...rows] = readFileSync(fixturePath(`${name}.files.tsv`), 'latin1')
    .trimEnd()
    .split('\n');
  return rows
    .map((row) => {
      const cells = row.split('\t');
      while (cells.length < 8) cells.push('');
      if (cells[1] === 'dir') cells[6] = '-';
      return cells.join('\t');
    })
    .sort();
}

const dumps = [
  { name: 'tiny-jffs2-le.img', offset: 0, endian: 'little', eraseSize: 65536 },
  { name: 'tiny-jffs2-be.img', offset: 0, endian: 'big', eraseSize: 65536 },
  { name: 'flash-yi-1080-backup.jffs2', offset: 0, endian: 'little', eraseSize: 4096 },
  { name: 'flash-zyxel-pmg3000-v2.50-config.jffs2', offset: 0, endian: 'big', eraseSize: 65536 },
  { name: 'flash-halny-hl-gsfp-linux-partition.bin', offset: 0x330000, endian: 'big', eraseSize: 65536 },
  { name: 'fw-orion-wnr854t-factory-jffs2-kernel.img', offset: 20, endian: 'little', eraseSize: 131072 },
] as const;

for (const { name, offset, endian, eraseSize } of dumps) {
  requires(fixture(name))(`${name} lists the files that are on it`, () => {
    const bytes = new Uint8Array(readFileSync(fixturePath(name))).subarray(offset);
    const scan = scanJffs2(bytes);
    expect(scan.report).toMatchObject({ endian, eraseSize });
    expect(listingOf(scan)).toEqual(expectedListing(name));
    const { blocks } = scan.report;
    for (const block of blocks) expect(block.usedBytes + block.dirtyBytes + block.freeBytes).toBe(eraseSize);
  });
}

requires(fixture('flash-zyxel-pmg3000-v2.50-config.jffs2'))('a used dump tells what was deleted', () => {
  const bytes = new Uint8Array(readFileSync(fixturePath('flash-zyxel-pmg3000-v2.50-config.jffs2')));
  const { report } = scanJffs2(bytes);
  expect(report).toMatchObject({ deletedNames: 11, orphans: 27, mountable: true });
  expect(report.blocks.filter((block) => block.summary)).toHaveLength(1);
  expect(report.supersededBytes).toBeGreaterThan(report.liveBytes);
});
