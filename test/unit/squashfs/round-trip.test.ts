import { expect, test } from 'vitest';
import { packSquashfs, squashfsInfo, squashfsTree } from '../../../tools/squashfs/index.js';
import type { SquashfsCompressor } from '../../../tools/squashfs/index.js';
import { describeTree, everyKind, fastOptions } from '../../support/squashfs-trees.js';

const compressors: readonly SquashfsCompressor[] = [
  { kind: 'gzip', level: 1 },
  { kind: 'gzip', windowSize: 8 },
  { kind: 'xz', level: 0 },
  { kind: 'xz', level: 1, lc: 0, lp: 2, pb: 2, branchFilters: ['x86', 'arm64'] },
  { kind: 'xz', level: 1, extreme: true },
  { kind: 'lzma', level: 1 },
  { kind: 'zstd', level: 1 },
  { kind: 'lz4' },
  { kind: 'lz4', highCompression: true },
];

test.each(compressors)(
  'a tree of every kind of object comes back equal through $kind',
  async (compressor) => {
    const tree = everyKind();
    const blockSize = compressor.kind === 'xz' || compressor.kind === 'lzma' ? 8192 : 4096;
    const { bytes } = await packSquashfs(tree, { ...fastOptions, compressor, blockSize });
    expect(describeTree(squashfsTree(bytes))).toEqual(describeTree(tree));
  },
);

test.each([
  { name: 'without fragments', options: { fragments: false } },
  { name: 'without similarity', options: { similarity: false } },
  { name: 'with tails of long files in own blocks', options: { tailEndLimit: 0 } },
  { name: 'with an export table', options: { exportTable: true } },
  { name: 'with blocks of 1 MiB', options: { blockSize: 1 << 20 } },
])('a tree comes back equal $name', async ({ options }) => {
  const tree = everyKind();
  const { bytes } = await packSquashfs(tree, { ...fastOptions, ...options });
  expect(describeTree(squashfsTree(bytes))).toEqual(describeTree(tree));
});

test('an image is not padded unless asked', async () => {
  const plain = await packSquashfs(everyKind(), fastOptions);
  expect(plain.bytes.length).toBe(plain.report.bytesUsed);
  expect(squashfsInfo(plain.bytes).superBlock.bytesUsed).toBe(plain.bytes.length);
  const padded = await packSquashfs(everyKind(), { ...fastOptions, padTo: 65_536 });
  expect(padded.bytes.length % 65_536).toBe(0);
  expect(padded.report.bytesUsed).toBe(plain.report.bytesUsed);
  expect(Buffer.from(padded.bytes.subarray(0, plain.bytes.length)).equals(plain.bytes)).toBe(true);
});

test('one time can be given to all objects', async () => {
  const { bytes } = await packSquashfs(everyKind(), { ...fastOptions, uniformTime: 42 });
  expect(describeTree(squashfsTree(bytes)).every((line) => / 42 \[/.test(line))).toBe(true);
});

test('xattrs can be left out', async () => {
  const { bytes } = await packSquashfs(everyKind(), { ...fastOptions, xattrs: false });
  expect(describeTree(squashfsTree(bytes)).every((line) => line.includes(' [] '))).toBe(true);
});
