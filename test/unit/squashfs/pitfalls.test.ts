/**
 * One test for each trap of libsquashfs that the writer and reader have to step around. Those that need the kernel
 * or other people's tools are in test/oracle/squashfs/pitfalls.test.ts, those of the binding in
 * test/native/squashfs-pitfalls.test.ts.
 */
import { expect, test } from 'vitest';
import { byteString, byteStringFromText } from '../../../tools/core/index.js';
import { openSquashfs, packSquashfs, squashfsInfo, squashfsTree } from '../../../tools/squashfs/index.js';
import type { SquashfsCompressor, SquashfsOptions } from '../../../tools/squashfs/index.js';
import type { FileSystem, TreeDirectory, TreeInode } from '../../../tools/vfs/index.js';
import { fixture, fixturePath, requires } from '../../support/requires.js';
import {
  attributes,
  describeTree,
  directory,
  everyKind,
  fastOptions,
  file,
  noise,
  prose,
} from '../../support/squashfs-trees.js';
import { xxh32Collision } from '../../support/xxh32.js';

async function pack(tree: TreeDirectory, options: Partial<SquashfsOptions> = {}): Promise<Uint8Array> {
  return (await packSquashfs(tree, { ...fastOptions, ...options })).bytes;
}

function find(fileSystem: FileSystem, path: string): number {
  let ino = fileSystem.root;
  for (const name of path.split('/').filter(Boolean)) {
    ino = fileSystem.lookup(ino, byteStringFromText(name)) ?? expect.unreachable(`no ${name}`);
  }
  return ino;
}

test('pitfall 1: tails with equal size and equal 32-bit hash stay two contents', async () => {
  const [one, other] = xxh32Collision(26);
  const tree = directory({ one: file(one), other: file(other) });
  expect(describeTree(squashfsTree(await pack(tree)))).toEqual(describeTree(tree));
});

test('pitfall 1: contents with an equal digest of our own stay two contents', async () => {
  // The digest is s = mix(s ^ word); a difference of the first word is undone by the second one.
  const mix = (state: bigint): bigint => {
    const product = (state * 0x9e3779b97f4a7c15n) & 0xffff_ffff_ffff_ffffn;
    return product ^ (product >> 29n);
  };
  const start = 0x51afd7ed558ccdn;
  const contents = [1n, 2n].map((first) => {
    const second = 7n ^ mix(start ^ 1n) ^ mix(start ^ first);
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(first, 0);
    bytes.writeBigUInt64LE(second, 8);
    return file(bytes);
  });
  const tree = directory({ one: contents[0] ?? file(''), other: contents[1] ?? file('') });
  const { bytes, report } = await packSquashfs(tree, fastOptions);
  expect(report.duplicateFiles).toBe(0);
  expect(describeTree(squashfsTree(bytes))).toEqual(describeTree(tree));
});

test('pitfall 3: names are stored in the order of their bytes, whatever the order of the tree', async () => {
  const tree = directory({});
  const names = ['b', 'a', 'B', 'a.b', 'a-b', 'ab', 'ä', '\u007f'];
  for (const name of names) tree.entries.set(byteStringFromText(name), file(name));
  tree.entries.set(byteString(Uint8Array.of(0xff)), file('ff'));
  const fileSystem = openSquashfs(await pack(tree));
  const listed = fileSystem.readdir(fileSystem.root).map(({ name }) => name);
  expect(listed).toEqual([...listed].sort());
  expect(listed).toHaveLength(names.length + 1);
});

test.each([
  ['empty', ''],
  ['.', '.'],
  ['..', '..'],
  ['with a slash', 'a/b'],
  ['with a zero byte', 'a\0b'],
  ['of 256 bytes', 'x'.repeat(256)],
])('pitfall 3: a name that is %s is refused', async (_, name) => {
  await expect(pack(directory({ [name]: file('') }))).rejects.toMatchObject({ code: 'FW_SQUASHFS_NAME' });
});

test.each([1, 511, 4096, 65_536])('pitfall 4: padding to %d bytes ends exactly there', async (padTo) => {
  const plain = await pack(everyKind());
  const padded = await pack(everyKind(), { padTo });
  expect(padded.length).toBe(Math.ceil(plain.length / padTo) * padTo);
});

test('pitfall 5: a directory has two links and one more for each subdirectory', async () => {
  const tree = directory({
    d: directory({ a: directory({}), b: directory({}), f: file('1'), g: file('2') }),
  });
  const fileSystem = openSquashfs(await pack(tree));
  const links = (path: string): number => fileSystem.getattr(find(fileSystem, path)).nlink;
  expect([links('/'), links('/d'), links('/d/a')]).toEqual([3, 4, 2]);
});

test('pitfall 6: a time before 1970 or after 2106 is stored as the nearest one, with a warning', async () => {
  const at = (seconds: bigint): TreeInode => file('x', { mtimeNs: seconds * 1_000_000_000n });
  const tree = directory({ before: at(-1n), after: at(4_294_967_296n), in2040: at(2_208_988_800n) });
  const { bytes, report } = await packSquashfs(tree, fastOptions);
  const fileSystem = openSquashfs(bytes);
  const seconds = (path: string): bigint =>
    fileSystem.getattr(find(fileSystem, path)).mtimeNs / 1_000_000_000n;
  expect([seconds('before'), seconds('after'), seconds('in2040')]).toEqual([
    0n,
    4_294_967_295n,
    2_208_988_800n,
  ]);
  expect(report.warnings.map(({ code }) => code)).toEqual(['FW_SQUASHFS_TIME']);
});

test('pitfall 8: an options block of another size does not stop the reader', async () => {
  const tree = directory({ a: file(prose(5000)) });
  const bytes = await pack(tree, { compressor: { kind: 'xz', dictionarySize: 8192 }, blockSize: 16_384 });
  expect(squashfsInfo(bytes).compressorOptions?.values).toEqual({ dictionarySize: 8192, branchFilters: 0 });
  bytes[96] = 12;
  expect(squashfsInfo(bytes).compressorOptions).toMatchObject({ values: {} });
  expect(describeTree(squashfsTree(bytes))).toEqual(describeTree(tree));
});

requires(fixture('fw-ath25-root.squashfs'))(
  'pitfall 8: a root of OpenWrt 15.05 with its own options block opens',
  () => {
    const source = { path: fixturePath('fw-ath25-root.squashfs') };
    expect(squashfsInfo(source).compressorOptions?.bytes).toHaveLength(12);
    using fileSystem = openSquashfs(source);
    expect(fileSystem.readdir(fileSystem.root).length).toBeGreaterThan(10);
  },
);

test('pitfall 9: "extreme" encodes each block once, and a branch filter once more', async () => {
  const tree = directory({ a: file(noise(40_000)), b: file(prose(40_000)) });
  const encodes = async (compressor: SquashfsCompressor): Promise<number> => {
    const { report } = await packSquashfs(tree, {
      ...fastOptions,
      compressor,
      blockSize: 8192,
      tailEndLimit: 0,
    });
    return report.encodeCount;
  };
  expect(await encodes({ kind: 'xz', level: 1 })).toBe(10);
  expect(await encodes({ kind: 'xz', level: 1, extreme: true })).toBe(10);
  expect(await encodes({ kind: 'xz', level: 1, extreme: true, branchFilters: ['x86'] })).toBe(20);
});

test('pitfall 10: the ARM64 filter, which the library lacks, makes ARM64 code smaller', async () => {
  // Calls of one function from ever other places: the filter makes them equal words.
  const code = new Uint8Array(16_384);
  const view = new DataView(code.buffer);
  const between = noise(code.length, 3);
  for (let i = 0; i < code.length; i += 4) {
    const isCall = ((between[i] ?? 0) & 3) === 0;
    const word = isCall ? 0x94000000 | ((0x100000 - i / 4) & 0x3ffffff) : 0xd503201f;
    view.setUint32(i, word, true);
  }
  const tree = directory({ code: file(code) });
  const compressor = { kind: 'xz', level: 6 } as const;
  const plain = await packSquashfs(tree, { ...fastOptions, compressor, blockSize: 16_384 });
  const filtered = await packSquashfs(tree, {
    ...fastOptions,
    compressor: { ...compressor, branchFilters: ['arm64'] },
    blockSize: 16_384,
  });
  expect(filtered.report.bytesUsed).toBeLessThan(plain.report.bytesUsed * 0.8);
  expect(describeTree(squashfsTree(filtered.bytes))).toEqual(describeTree(tree));
});

test('pitfall 11: equal files are stored once, found by content before the library sees them', async () => {
  const content = noise(3 * 4096 + 50);
  const tree = directory(
    Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}`, file(content.slice(), { uid: i })])),
  );
  const { bytes, report } = await packSquashfs(tree, { ...fastOptions, layout: true });
  expect(report).toMatchObject({ duplicateFiles: 499, duplicateBytes: 499 * content.length, encodeCount: 4 });
  const places = [...(report.layout?.files.values() ?? [])];
  expect(new Set(places.map((place) => JSON.stringify(place))).size).toBe(1);
  expect(describeTree(squashfsTree(bytes))).toEqual(describeTree(tree));
});

test('pitfall 12: the count of workers, and with it the backlog, changes no byte', async () => {
  const tree = directory({ big: file(prose(300_000)), noise: file(noise(100_000)), kinds: everyKind() });
  const first = await pack(tree, { workers: 1 });
  for (const workers of [2, 3, 8])
    expect(Buffer.from(await pack(tree, { workers })).equals(first)).toBe(true);
});

test('pitfall 13: files of thousands of blocks among many small ones keep their block lists', async () => {
  const entries: Record<string, TreeInode> = {
    long: file(noise(4096 * 3000 + 1, 9)),
    long2: file(prose(4096 * 2100)),
  };
  for (let i = 0; i < 2000; i += 1) entries[`small${i}`] = file(`content ${i}`);
  const tree = directory(entries);
  expect(describeTree(squashfsTree(await pack(tree)))).toEqual(describeTree(tree));
});

const wrongOptions: readonly (readonly [string, Partial<SquashfsOptions>])[] = [
  ['block size', { blockSize: 4095 }],
  ['block size', { blockSize: 12_288 }],
  ['block size', { blockSize: 2 << 20 }],
  ['gzip level', { compressor: { kind: 'gzip', level: 0 } }],
  ['gzip window size', { compressor: { kind: 'gzip', windowSize: 16 } }],
  ['zstd level', { compressor: { kind: 'zstd', level: 23 } }],
  ['xz level', { compressor: { kind: 'xz', level: 10 } }],
  ['lc + lp', { compressor: { kind: 'xz', lc: 3, lp: 2 } }],
  ['pb', { compressor: { kind: 'xz', pb: 5 } }],
  ['dictionary size', { compressor: { kind: 'xz', dictionarySize: 4096 } }],
  ['dictionary size', { compressor: { kind: 'xz', dictionarySize: 9000 }, blockSize: 16_384 }],
  ['image time', { imageTime: -1 }],
  ['image time', { imageTime: 2 ** 32 }],
  ['time of all objects', { uniformTime: 1.5 }],
  ['padding', { padTo: 0 }],
  ['count of workers', { workers: 0 }],
];

test.each(wrongOptions)('pitfall 17: a wrong %s is refused by name: %j', async (name, options) => {
  await expect(pack(directory({}), options)).rejects.toMatchObject({
    code: 'FW_USAGE_SQUASHFS_OPTION',
    data: { parameter: name },
  });
});

test('pitfall 18: hard links of every type are one inode with its count of links', async () => {
  const fileSystem = openSquashfs(await pack(everyKind()));
  for (const [a, b] of [
    ['a/linked', 'b/again'],
    ['a/linkedSymlink', 'b/linkedSymlink'],
    ['a/linkedFifo', 'b/linkedFifo'],
    ['a/linkedSocket', 'b/linkedSocket'],
    ['a/linkedDevice', 'b/linkedDevice'],
  ] as const) {
    expect(find(fileSystem, a)).toBe(find(fileSystem, b));
    expect(fileSystem.getattr(find(fileSystem, a)).nlink).toBe(2);
  }
});

test('pitfall 19: blocks of zeros are holes, and cost nothing', async () => {
  const content = new Uint8Array(1000 * 4096 + 7);
  content.set(noise(4096), 500 * 4096);
  const { bytes, report } = await packSquashfs(directory({ sparse: file(content) }), fastOptions);
  expect(report.bytesUsed).toBeLessThan(4096 + 1000);
  const fileSystem = openSquashfs(bytes);
  const ino = find(fileSystem, 'sparse');
  expect(fileSystem.getattr(ino)).toMatchObject({ size: content.length, blocks: 9 });
  expect(fileSystem.seek(ino, 0, 'data')).toBe(500 * 4096);
  expect(fileSystem.seek(ino, 500 * 4096, 'hole')).toBe(501 * 4096);
  expect(Buffer.from(fileSystem.read(ino, 0, content.length)).equals(content)).toBe(true);
});

test('pitfall 19: empty files and extreme device numbers come back', async () => {
  const tree = directory({
    empty: file(''),
    most: { type: 'block', ...attributes(), rdev: { major: 4095, minor: 1_048_575 } },
    mixed: { type: 'char', ...attributes(), rdev: { major: 300, minor: 300 } },
    none: { type: 'char', ...attributes(), rdev: { major: 0, minor: 0 } },
  });
  expect(describeTree(squashfsTree(await pack(tree)))).toEqual(describeTree(tree));
});

test('pitfall 20: xattrs of a namespace that the format lacks are left out with a warning', async () => {
  const xattrs = new Map([
    [byteStringFromText('system.posix_acl_access'), Uint8Array.of(2)],
    [byteStringFromText('user.kept'), Uint8Array.of(1, 0)],
  ]);
  const { bytes, report } = await packSquashfs(directory({ d: directory({}, { xattrs }) }), fastOptions);
  expect(report.warnings).toMatchObject([{ code: 'FW_SQUASHFS_XATTR_SKIPPED' }]);
  const fileSystem = openSquashfs(bytes);
  expect(fileSystem.listxattr(find(fileSystem, 'd'))).toEqual(['user.kept']);
  expect(fileSystem.getxattr(find(fileSystem, 'd'), byteStringFromText('user.kept'))).toEqual(
    Uint8Array.of(1, 0),
  );
});

test('pitfall 20: xattrs of 64 KiB, of many sets, and empty ones come back', async () => {
  const entries: Record<string, TreeInode> = {};
  for (let i = 0; i < 600; i += 1) {
    const xattrs = new Map([
      [byteStringFromText('user.number'), Buffer.from(String(i))],
      [byteStringFromText('user.empty'), new Uint8Array(0)],
      [byteStringFromText('trusted.long'), noise(i === 7 ? 65_536 : i, 4)],
    ]);
    entries[`f${i}`] = file('x', { xattrs });
  }
  const tree = directory(entries);
  expect(describeTree(squashfsTree(await pack(tree)))).toEqual(describeTree(tree));
});

test('pitfall 21: the reader answers errnos for the wrong kind of object, and follows nothing', async () => {
  const fileSystem = openSquashfs(await pack(everyKind()));
  const errno = (call: () => unknown): unknown => {
    try {
      return call();
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  expect(errno(() => fileSystem.read(fileSystem.root, 0, 10))).toBe('EISDIR');
  expect(errno(() => fileSystem.read(find(fileSystem, 'symlink'), 0, 10))).toBe('EINVAL');
  expect(errno(() => fileSystem.lookup(find(fileSystem, 'capable'), byteStringFromText('x')))).toBe(
    'ENOTDIR',
  );
  expect(errno(() => fileSystem.readlink(find(fileSystem, 'capable')))).toBe('EINVAL');
  expect(errno(() => fileSystem.getattr(999_999))).toBe('ESTALE');
  expect(fileSystem.lookup(fileSystem.root, byteStringFromText('..'))).toBeUndefined();
  expect(fileSystem.getattr(find(fileSystem, 'symlink')).type).toBe('symlink');
  expect(fileSystem.parent(find(fileSystem, 'a'))).toBe(fileSystem.root);
});

test('pitfall 21: two readers of one image do not disturb each other', async () => {
  const bytes = await pack(directory({ a: file(prose(100_000, 1)), b: file(prose(100_000, 2)) }));
  const one = openSquashfs(bytes);
  const other = openSquashfs(bytes);
  for (let offset = 0; offset < 100_000; offset += 9999) {
    expect(
      Buffer.from(one.read(find(one, 'a'), offset, 100)).equals(
        prose(100_000, 1).slice(offset, offset + 100),
      ),
    ).toBe(true);
    expect(
      Buffer.from(other.read(find(other, 'b'), offset, 100)).equals(
        prose(100_000, 2).slice(offset, offset + 100),
      ),
    ).toBe(true);
  }
});
