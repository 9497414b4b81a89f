import { describe, expect, test } from 'vitest';
import { byteStringFromText } from '../../../tools/core/index.js';
import { insertIntoImage, scanJffs2 } from '../../../tools/jffs2/index.js';
import type { CarriedFile, InsertOptions } from '../../../tools/jffs2/index.js';
import { parseNode } from '../../../tools/jffs2/node/parse.js';
import type { Jffs2Node } from '../../../tools/jffs2/node/parse.js';
import { digest, noise } from '../../support/jffs2-trees.js';

const eraseSize = 65536;
const name = byteStringFromText('sysupgrade.tgz');
const times = { atime: 1_700_000_001, mtime: 1_700_000_002, ctime: 1_700_000_003 };
const carried: CarriedFile = { name, content: noise(150_000, 1), mode: 0o100600, ...times };
const mtd: InsertOptions = { endian: 'little', eraseSize, form: 'mtd' };
const safe: InsertOptions = { ...mtd, form: 'safe' };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** An image of one block of other things, then the end marker at each of `markers`. */
function imageWith(size: number, ...markers: number[]): Uint8Array {
  const image = noise(size, 2);
  for (const offset of markers) image.set([0xde, 0xad, 0xc0, 0xde], offset);
  return image;
}

function nodesOf(bytes: Uint8Array, endian: 'little' | 'big' = 'little'): Jffs2Node[] {
  const nodes: Jffs2Node[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const node = parseNode(bytes, at, bytes.length, endian);
    if (node.kind === 'fault') continue;
    nodes.push(node);
    at = Math.ceil((at + node.totlen) / 4) * 4 - 4;
  }
  return nodes;
}

/** Checksum of a file in an area; comparing long arrays is slow. */
function contentIn(bytes: Uint8Array, path: string, endian: 'little' | 'big' = 'little'): string | undefined {
  let inode = undefined;
  let entries = scanJffs2(bytes, { endian, eraseSize }).tree.entries;
  for (const part of path.split('/')) {
    inode = entries.get(byteStringFromText(part));
    if (inode?.type === 'directory') entries = inode.entries;
  }
  return inode?.type === 'file' ? digest(inode.content.read(0, inode.content.size)) : undefined;
}

describe('mtd form: the bytes that OpenWrt writes', () => {
  const { bytes, offset, blockCount } = insertIntoImage(imageWith(2 * eraseSize, eraseSize), carried, mtd);
  const area = bytes.subarray(offset);

  test('starts at the marker and takes three data blocks and one for the marker', () => {
    expect([offset, blockCount, area.length]).toEqual([eraseSize, 4, 4 * eraseSize]);
    expect(digest(bytes.subarray(0, eraseSize))).toBe(
      digest(imageWith(2 * eraseSize).subarray(0, eraseSize)),
    );
  });

  test('cleanmarker, dirent and first inode have the documented bytes', () => {
    expect(hex(area.subarray(0, 12))).toBe('851903200c000000b1b01ee4');
    expect(hex(area.subarray(12, 0x44))).toBe(
      '851901e036000000a4e155df0100000000000000020000000000000' +
        '00e08000052839067bc3dff31' +
        Buffer.from('sysupgrade.tgz').toString('hex') +
        'ffff',
    );
    expect(hex(area.subarray(0x44, 0x44 + 44))).toBe(
      '851902e0441000006d58d184020000000200000080810000000000' + '00f049020001f1536502f1536503f15365',
    );
  });

  test('nodes stand at the documented offsets', () => {
    const inodes = nodesOf(area).filter((node) => node.kind === 'inode');
    const at = (nodeOffset: number): unknown => inodes.find((node) => node.nodeOffset === nodeOffset);
    expect(at(0x0f440)).toMatchObject({ version: 17, offset: 61440, csize: 2940 });
    expect(hex(area.subarray(0x10000, 0x1000c))).toBe('851903200c000000b1b01ee4');
    expect(at(0x1000c)).toMatchObject({ version: 18, offset: 64380, csize: 4096 });
    expect(at(0x1f408)).toMatchObject({ csize: 2996 });
    expect(at(0x25160)).toMatchObject({ version: 39, offset: 149296, csize: 704 });
    expect(hex(area.subarray(0x30000, 0x30008))).toBe('deadc0deffffffff');
  });

  test('a block that data fills to the end is followed by one with a cleanmarker alone', () => {
    const room = eraseSize - 0x44 - 68;
    const pages = Math.floor(room / (4096 + 68));
    const exact = pages * 4096 + (room - pages * (4096 + 68));
    const filled = insertIntoImage(imageWith(eraseSize, 0), { ...carried, content: noise(exact, 3) }, mtd);
    expect(filled.blockCount).toBe(3);
    expect(hex(filled.bytes.subarray(eraseSize, eraseSize + 16))).toBe('851903200c000000b1b01ee4ffffffff');
    const less = insertIntoImage(imageWith(eraseSize, 0), { ...carried, content: noise(exact - 4, 3) }, mtd);
    expect(less.blockCount).toBe(2);
  });

  test('an empty file is a name without an inode', () => {
    const empty = insertIntoImage(imageWith(eraseSize, 0), { ...carried, content: new Uint8Array() }, mtd);
    expect(nodesOf(empty.bytes).map((node) => node.kind)).toEqual(['cleanmarker', 'dirent']);
  });

  test('the image goes on behind what was inserted, as many blocks left out', () => {
    const image = imageWith(6 * eraseSize, eraseSize, 5 * eraseSize);
    const result = insertIntoImage(image, carried, mtd);
    expect(result.bytes).toHaveLength(image.length);
    expect(digest(result.bytes.subarray(5 * eraseSize))).toBe(digest(image.subarray(5 * eraseSize)));
  });

  test('markers before the given offset and inside blocks do not count', () => {
    const image = imageWith(4 * eraseSize, 0, eraseSize + 4096, 2 * eraseSize);
    expect(insertIntoImage(image, carried, mtd, 1).offset).toBe(2 * eraseSize);
  });

  test('the file reads back, in both byte orders, but its nodes cross pages', () => {
    for (const endian of ['little', 'big'] as const) {
      const inserted = insertIntoImage(imageWith(eraseSize, 0), carried, { ...mtd, endian });
      expect(contentIn(inserted.bytes, 'sysupgrade.tgz', endian)).toBe(digest(carried.content));
      const { problems } = scanJffs2(inserted.bytes, { eraseSize }).report;
      expect(problems.map(({ kind }) => kind)).toContain('crosses-page');
    }
  });
});

describe('safe form', () => {
  test('reads back and crosses no page, for sizes around pages and blocks, in all erase sizes', () => {
    for (const size of [0, 1, 4095, 4096, 4097, 61_000, 64_380, 150_000]) {
      for (const erase of [4096, 65536, 131072]) {
        const options = { ...safe, eraseSize: erase };
        const { bytes } = insertIntoImage(
          imageWith(erase, 0),
          { ...carried, content: noise(size, size) },
          options,
        );
        const { tree, report } = scanJffs2(bytes, { eraseSize: erase });
        expect(report.problems).toEqual([]);
        const inode = tree.entries.get(name);
        expect(inode?.type === 'file' && digest(inode.content.read(0, 1 << 20))).toBe(
          digest(noise(size, size)),
        );
      }
    }
  });
});

describe('what cannot be done is said', () => {
  const code = (expected: string): unknown => expect.objectContaining({ code: expected });
  test('no marker at an erase block', () => {
    expect(() => insertIntoImage(imageWith(4 * eraseSize, 4096), carried, mtd)).toThrow(
      code('FW_JFFS2_NO_MARKER'),
    );
  });
  test('a name that is none', () => {
    const long = { ...carried, name: byteStringFromText('n'.repeat(255)) };
    expect(() => insertIntoImage(imageWith(eraseSize, 0), long, safe)).toThrow(code('FW_JFFS2_LIMIT'));
  });
});
