/** Damaged and hostile images: every fault is an error of ours, none a crash, a hang or a heap of memory. */
import { expect, test } from 'vitest';
import { byteStringFromText, FormatError, seededRandom } from '../../../tools/core/index.js';
import { openSquashfs, packSquashfs, squashfsInfo, squashfsTree } from '../../../tools/squashfs/index.js';
import { FsError, walkTree } from '../../../tools/vfs/index.js';
import { fixture, fixturePath, requires } from '../../support/requires.js';
import { directory, everyKind, fastOptions, file, noise, prose } from '../../support/squashfs-trees.js';

/** Reads everything an image holds. */
function readAll(image: Uint8Array): void {
  for (const { inode } of walkTree(squashfsTree(image))) {
    if (inode.type !== 'file') continue;
    // A hostile size is not believed: the first and the last bytes stand for all.
    inode.content.read(0, 100_000);
    inode.content.read(Math.max(0, inode.content.size - 5000), 5000);
  }
}

function codeOf(call: () => unknown): string {
  try {
    call();
    return 'no error';
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error.code;
  }
}

function patched(
  image: Uint8Array,
  offset: number,
  width: 1 | 2 | 4 | 8,
  value: bigint | number,
): Uint8Array {
  const copy = Buffer.from(image);
  if (width === 8) copy.writeBigUInt64LE(BigInt(value), offset);
  else copy.writeUIntLE(Number(value), offset, width);
  return copy;
}

const { bytes: sample } = await packSquashfs(everyKind(), { ...fastOptions, exportTable: true });

const faults: readonly (readonly [string, Uint8Array, string])[] = [
  ['empty input', new Uint8Array(0), 'FW_SQUASHFS_MAGIC'],
  ['other magic', patched(sample, 0, 4, 0x12345678), 'FW_SQUASHFS_MAGIC'],
  ['half a super block', sample.subarray(0, 50), 'FW_SQUASHFS_TRUNCATED'],
  ['one byte too few', sample.subarray(0, sample.length - 1), 'FW_SQUASHFS_TRUNCATED'],
  ['version 5', patched(sample, 28, 2, 5), 'FW_SQUASHFS_VERSION'],
  ['version 4.1', patched(sample, 30, 2, 1), 'FW_SQUASHFS_VERSION'],
  ['compressor 9', patched(sample, 20, 2, 9), 'FW_SQUASHFS_COMPRESSOR'],
  ['a block size that is no power of two', patched(sample, 12, 4, 5000), 'FW_SQUASHFS_SUPER'],
  ['a block size of 2 GiB', patched(sample, 12, 4, 0x80000000), 'FW_SQUASHFS_SUPER'],
  ['a block log that contradicts', patched(sample, 22, 2, 20), 'FW_SQUASHFS_SUPER'],
  ['no ids', patched(sample, 26, 2, 0), 'FW_SQUASHFS_SUPER'],
  ['a size beyond 2^53', patched(sample, 40, 8, 1n << 60n), 'FW_SQUASHFS_SUPER'],
  ['an inode table behind the end', patched(sample, 64, 8, sample.length + 1), 'FW_SQUASHFS_SUPER'],
  ['a directory table before the inode table', patched(sample, 72, 8, 96), 'FW_SQUASHFS_SUPER'],
  ['a root reference outside', patched(sample, 32, 8, 0xffff_ffff_0000n), 'FW_SQUASHFS_BLOCK'],
  ['a fragment table at the end', patched(sample, 80, 8, sample.length - 4), 'FW_SQUASHFS_BLOCK'],
  ['an id table at the end', patched(sample, 48, 8, sample.length - 4), 'FW_SQUASHFS_BLOCK'],
  ['an xattr table at the end', patched(sample, 56, 8, sample.length - 4), 'FW_SQUASHFS_BLOCK'],
  [
    'no xattr table though inodes name it',
    patched(sample, 56, 8, 0xffff_ffff_ffff_ffffn),
    'FW_SQUASHFS_XATTR',
  ],
];

test.each(faults)('%s is refused', (_, image, code) => {
  expect(codeOf(() => readAll(image))).toBe(code);
});

/** An image whose directory table is stored as it is, so that names can be changed: an xz stream is never so short. */
async function plainImage(): Promise<Uint8Array> {
  const tree = directory({
    sub: directory({ inner: file('x') }),
    data: file(noise(9000)),
    tail: file(noise(50)),
  });
  const { bytes } = await packSquashfs(tree, { ...fastOptions, compressor: { kind: 'xz' } });
  const start = squashfsInfo(bytes).superBlock.version4?.directoryTableStart ?? 0;
  expect((bytes[start + 1] ?? 0) & 0x80).toBe(0x80);
  return bytes;
}

test.each(['..', '.', 'a/', 'a\0'])(
  'a name %j in a listing is refused: it could lead out of the tree',
  async (name) => {
    const image = Buffer.from(await plainImage());
    const listing = image.indexOf('tail', squashfsInfo(image).superBlock.version4?.directoryTableStart);
    // The name's length stands before it.
    image.writeUInt16LE(name.length - 1, listing - 2);
    image.write(name, listing, 'latin1');
    expect(codeOf(() => readAll(image))).toMatch(/FW_SQUASHFS_(DIRECTORY|BLOCK)/);
  },
);

test('two equal names in a listing are refused', async () => {
  const image = Buffer.from(await plainImage());
  const start = squashfsInfo(image).superBlock.version4?.directoryTableStart;
  image.write('data', image.indexOf('tail', start), 'latin1');
  expect(codeOf(() => readAll(image))).toBe('FW_SQUASHFS_DIRECTORY');
});

test('a directory that lists its parent is refused, not walked for ever', async () => {
  // The root's entry `sub` is given the inode of the root itself.
  const { bytes } = await packSquashfs(directory({ sub: directory({ inner: directory({}) }) }), {
    ...fastOptions,
    compressor: { kind: 'xz' },
  });
  const image = Buffer.from(bytes);
  const { superBlock } = squashfsInfo(image);
  const tables = superBlock.version4 ?? expect.unreachable();
  const name = image.indexOf('sub', tables.directoryTableStart);
  image.writeUInt16LE(tables.rootReference % 65_536, name - 8);
  image.writeInt16LE(image.readInt16LE(name - 6) + 1, name - 6);
  expect(codeOf(() => readAll(image))).toBe('FW_SQUASHFS_DIRECTORY');
});

test('a failure of the image answers EIO through the file system, with the reason as its cause', async () => {
  const image = Buffer.from((await packSquashfs(directory({ f: file(prose(20_000)) }), fastOptions)).bytes);
  image.fill(0xff, 96, 1096);
  const fileSystem = openSquashfs(image);
  const ino = fileSystem.lookup(fileSystem.root, byteStringFromText('f')) ?? expect.unreachable();
  const read = (): unknown => {
    try {
      return fileSystem.read(ino, 0, 10);
    } catch (error) {
      return error;
    }
  };
  const error = read();
  expect(error).toBeInstanceOf(FsError);
  expect(error).toMatchObject({ code: 'EIO', cause: { code: 'FW_SQUASHFS_BLOCK' } });
});

test('an image cut at any length is refused as truncated', () => {
  for (let length = 96; length < sample.length; length += 7) {
    expect(codeOf(() => readAll(sample.subarray(0, length)))).toBe('FW_SQUASHFS_TRUNCATED');
  }
});

const replay = process.env['FW_REPLAY'];

test.each(['gzip', 'xz', 'zstd', 'lz4', 'lzma'] as const)(
  'flipped bits in a %s image give errors of ours or other content, nothing else',
  async (kind) => {
    const options = { ...fastOptions, compressor: { kind }, blockSize: 8192 } as const;
    const { bytes: image } = await packSquashfs(everyKind(), options);
    const seeds = replay === undefined ? Array.from({ length: 150 }, (_, i) => i) : [Number(replay)];
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const damagedImage = Buffer.from(image);
      const flips = 1 + random.below(4);
      for (let i = 0; i < flips; i += 1) {
        const at = random.below(2) === 0 ? random.below(96) : random.below(image.length);
        damagedImage[at] = (damagedImage[at] ?? 0) ^ (1 << random.below(8));
      }
      try {
        readAll(damagedImage);
      } catch (error) {
        if (error instanceof FormatError) continue;
        throw new Error(`FW_REPLAY=${seed} npx vitest run test/unit/squashfs/hostile-images.test.ts`, {
          cause: error,
        });
      }
    }
  },
);

for (const [name, code] of [
  ['tiny-squashfs-avm-be.sqfs4', 'FW_SQUASHFS_VERSION'],
  ['tiny-squashfs-lzma-be.sqfs2', 'FW_SQUASHFS_VERSION'],
  ['tiny-squashfs-lzma1-le.sqfs3', 'FW_SQUASHFS_VERSION'],
  ['tiny-squashfs-zlib-be.sqfs3', 'FW_SQUASHFS_VERSION'],
  ['tiny-squashfs-lzo.sqfs', 'FW_SQUASHFS_COMPRESSOR'],
] as const) {
  requires(fixture(name))(`${name} is recognised, and refused by name`, () => {
    const source = { path: fixturePath(name) };
    expect(squashfsInfo(source).refusal?.code).toBe(code);
    expect(codeOf(() => openSquashfs(source))).toBe(code);
  });
}

for (const [name, version, inodes] of [
  ['tiny-squashfs-lzma-be.sqfs2', '2.76 big', 5],
  ['tiny-squashfs-zlib-be.sqfs3', '3.1 big', 5],
  ['tiny-squashfs-lzma1-le.sqfs3', '3.76 little', 5],
  ['tiny-squashfs-avm-be.sqfs4', '4.0 big', 5],
  ['tiny-squashfs-zstd.sqfs', '4.0 little', 5],
] as const) {
  requires(fixture(name))(`the super block of ${name} is read`, () => {
    const { superBlock, sourceSize } = squashfsInfo({ path: fixturePath(name) });
    expect(`${superBlock.versionMajor}.${superBlock.versionMinor} ${superBlock.endian}`).toBe(version);
    expect(superBlock.inodeCount).toBe(inodes);
    expect(superBlock.bytesUsed).toBeLessThanOrEqual(sourceSize);
    expect(superBlock.bytesUsed).toBeGreaterThan(96);
  });
}

for (const name of ['gzip', 'xz', 'zstd', 'lz4', 'lzma']) {
  requires(fixture(`tiny-squashfs-${name}.sqfs`))(
    `the three files of tiny-squashfs-${name}.sqfs are read`,
    () => {
      const tree = squashfsTree({ path: fixturePath(`tiny-squashfs-${name}.sqfs`) });
      const sizes = [...walkTree(tree)].flatMap(({ inode }) =>
        inode.type === 'file' ? [inode.content.size] : [],
      );
      expect(sizes).toHaveLength(3);
      expect(sizes.reduce((a, b) => a + b)).toBe(110);
    },
  );
}
