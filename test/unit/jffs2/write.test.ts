import { describe, expect, test } from 'vitest';
import { bytesOf, byteStringFromText } from '../../../tools/core/index.js';
import { compressionProfiles, compressors, scanJffs2 } from '../../../tools/jffs2/index.js';
import type { Compression, ScanReport, WriterOptions } from '../../../tools/jffs2/index.js';
import { writeJffs2 } from '../../../tools/jffs2/index.js';
import type { TreeDirectory, TreeInode } from '../../../tools/vfs/index.js';
import { directory, file, listing, noise, sampleTree, textLike } from '../../support/jffs2-trees.js';

const tree = sampleTree();
const expected = listing(tree);
const only = (name: keyof typeof compressors): Compression => ({
  mode: 'size',
  compressors: [compressors[name]],
});

function expectRoundTrip(options: WriterOptions): ScanReport {
  const image = writeJffs2(tree, options);
  const { tree: read, report } = scanJffs2(image, { eraseSize: options.eraseSize, endian: options.endian });
  expect(listing(read)).toEqual(expected);
  expect(report.problems).toEqual([]);
  expect(report).toMatchObject({ supersededBytes: 0, orphans: 0, deletedNames: 0 });
  return report;
}

describe('an image reads back as the tree it was made from', () => {
  for (const endian of ['little', 'big'] as const) {
    for (const eraseSize of [4096, 65536, 131072]) {
      test(`${endian}-endian, erase size ${eraseSize}`, () => {
        expectRoundTrip({ endian, eraseSize });
      });
      test(`${endian}-endian, erase size ${eraseSize}, with summaries`, () => {
        const report = expectRoundTrip({ endian, eraseSize, summaries: true });
        expect(report.blocks.filter((block) => block.summary).length).toBeGreaterThan(0);
      });
    }
  }
  for (const name of ['rtime', 'zlib', 'deflate', 'lzo', 'lzo-fast', 'lzma'] as const) {
    test(`compressed with ${name}`, () => {
      const { compression } = expectRoundTrip({ endian: 'big', eraseSize: 65536, compression: only(name) });
      const stored = name === 'deflate' ? 'zlib' : name.replace('-fast', '');
      expect(Object.keys(compression).sort()).toEqual(['none', stored, 'zero'].sort());
    });
  }
  test('without cleanmarkers, in small nodes, for NAND', () => {
    const report = expectRoundTrip({ endian: 'little', eraseSize: 16384, cleanmarkerSize: 0, pageSize: 512 });
    expect(report.cleanmarkerSize).toBe(0);
  });
  test('for the Broadcom boot loader: nothing compressed, no holes, no name of version 0', () => {
    const { compression } = expectRoundTrip({ endian: 'big', eraseSize: 65536, compression: 'cfe' });
    expect(Object.keys(compression)).toEqual(['none']);
  });
  test('for OpenWrt: no zlib, which its kernels lack', () => {
    const { compression } = expectRoundTrip({ endian: 'big', eraseSize: 65536, compression: 'openwrt' });
    expect(compression['zlib']).toBeUndefined();
    expect(compressionProfiles.openwrt.compressors.map(({ name }) => name)).toEqual(['lzma', 'rtime']);
  });
});

test('the same tree gives the same bytes whatever the order of its names', () => {
  const shuffled = (inode: TreeInode): void => {
    if (inode.type !== 'directory') return;
    const entries = [...inode.entries].reverse();
    inode.entries.clear();
    for (const [key, value] of entries) inode.entries.set(key, value);
    for (const [, value] of entries) shuffled(value);
  };
  const other = sampleTree();
  shuffled(other);
  const options = { endian: 'little', eraseSize: 65536 } as const;
  expect(writeJffs2(other, options)).toEqual(writeJffs2(tree, options));
});

test('zero pages take no space, and the end of a file stays', () => {
  const bytes = new Uint8Array(1 << 20);
  bytes.set(textLike(10, 1), 500_000);
  const options = { endian: 'little', eraseSize: 65536, pad: 'none' } as const;
  const image = writeJffs2(directory({ a: file(bytes) }), options);
  expect(image.length).toBeLessThan(500);
  expect(listing(scanJffs2(image).tree)).toEqual(listing(directory({ a: file(bytes) })));
});

test('data never crosses a page of 4096 bytes, also where a block ends in the middle of a page', () => {
  const image = writeJffs2(directory({ a: file(noise(300_000, 1)) }), { endian: 'little', eraseSize: 8192 });
  const { report } = scanJffs2(image, { eraseSize: 8192 });
  expect(report.problems.filter(({ kind }) => kind === 'crosses-page')).toEqual([]);
});

test('an end marker follows the padded image', () => {
  const image = writeJffs2(tree, { endian: 'little', eraseSize: 65536, endMarker: true });
  expect(image.length % 65536).toBe(4);
  expect([...image.subarray(-4)]).toEqual([0xde, 0xad, 0xc0, 0xde]);
  expect(scanJffs2(image).report.endMarkerOffset).toBe(image.length - 4);
});

test('times after the build time are set to it', () => {
  const image = writeJffs2(tree, { endian: 'little', eraseSize: 65536, maxTime: 1_650_000_000 });
  const { tree: read } = scanJffs2(image);
  expect(read.entries.get(byteStringFromText('bin'))?.mtimeNs).toBe(1_650_000_000n * 1_000_000_000n);
  expect(read.entries.get(byteStringFromText('empty'))?.mtimeNs).toBe(1_600_000_000n * 1_000_000_000n);
});

describe('what JFFS2 cannot hold is refused', () => {
  const small = file(new Uint8Array(1));
  const linkTo = (target: string): TreeInode => ({
    ...{ type: 'symlink', mode: 0o777, uid: 0, gid: 0, mtimeNs: 0n, xattrs: new Map() },
    target: byteStringFromText(target),
  });
  const huge = { size: 2 ** 32, read: () => new Uint8Array() };
  const twice = directory({});
  const cases: Record<string, TreeDirectory> = {
    'a name of 255 bytes': directory({ ['n'.repeat(255)]: small }),
    'a name with a slash': directory({ 'a/b': small }),
    'a symlink target of 255 bytes': directory({ a: linkTo('t'.repeat(255)) }),
    'an empty symlink target': directory({ a: linkTo('') }),
    'an owner above 65535': directory({ a: file(new Uint8Array(), { uid: 70_000 }) }),
    'a file of 4 GiB': directory({ a: { ...small, content: huge } }),
    'a time before 1970': directory({ a: file(new Uint8Array(), { mtimeNs: -1n }) }),
    'an attribute of another namespace': directory({
      a: file(new Uint8Array(), {
        xattrs: new Map([[byteStringFromText('system.x'), bytesOf(byteStringFromText('y'))]]),
      }),
    }),
    'an attribute larger than a block': directory({
      a: file(new Uint8Array(), { xattrs: new Map([[byteStringFromText('user.x'), new Uint8Array(5000)]]) }),
    }),
    'a directory with two names': directory({ a: twice, b: twice }),
    'a device number of more than 32 bits': directory({
      a: {
        ...{ type: 'char', mode: 0, uid: 0, gid: 0, mtimeNs: 0n, xattrs: new Map() },
        rdev: { major: 4096, minor: 0 },
      },
    }),
  };
  for (const [name, refused] of Object.entries(cases)) {
    test(name, () => {
      expect(() => writeJffs2(refused, { endian: 'little', eraseSize: 4096 })).toThrow(
        expect.objectContaining({ code: 'FW_JFFS2_LIMIT' }),
      );
    });
  }
  test('a file that shrinks while it is packed', () => {
    const shrinking = { ...small, content: { size: 100, read: () => new Uint8Array(50) } };
    expect(() => writeJffs2(directory({ a: shrinking }), { endian: 'little', eraseSize: 4096 })).toThrow(
      expect.objectContaining({ code: 'FW_JFFS2_CHANGED' }),
    );
  });
  test('page, erase and cleanmarker sizes that cannot be', () => {
    const code = (options: Partial<WriterOptions>, expectedCode: string): void => {
      expect(() => writeJffs2(tree, { endian: 'little', eraseSize: 65536, ...options })).toThrow(
        expect.objectContaining({ code: expectedCode }),
      );
    };
    code({ pageSize: 8192 }, 'FW_JFFS2_OPTIONS');
    code({ cleanmarkerSize: 5 }, 'FW_JFFS2_OPTIONS');
    code({ eraseSize: 2048 }, 'FW_JFFS2_ERASE_SIZE');
  });
});
