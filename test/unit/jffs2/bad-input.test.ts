/** Damaged and hostile bytes: one clear finding or error each, never a crash, a hang or memory without bound. */
import { describe, expect, test } from 'vitest';
import { byteStringFromText, crc32Raw, seededRandom } from '../../../tools/core/index.js';
import type { ByteString } from '../../../tools/core/index.js';
import { scanJffs2, writeJffs2 } from '../../../tools/jffs2/index.js';
import { decompress } from '../../../tools/jffs2/compression/compression.js';
import type { ScanProblemKind } from '../../../tools/jffs2/index.js';
import { encodeDirent, encodeInode } from '../../../tools/jffs2/node/encode.js';
import type { DirentFields, InodeFields } from '../../../tools/jffs2/node/encode.js';
import { mutate, nodesOf, scanAll } from '../../support/jffs2-mutation.js';
import { directory, file, noise, textLike } from '../../support/jffs2-trees.js';

const eraseSize = 4096;
const name = (text: string): ByteString => byteStringFromText(text);

/** An image of a root with what the nodes say, one behind the other. */
function image(...nodes: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(8 * eraseSize).fill(0xff);
  let at = 0;
  for (const node of nodes) {
    bytes.set(node, at);
    at = Math.ceil((at + node.length) / 4) * 4;
  }
  return bytes;
}
const dirent = (fields: Partial<DirentFields>): Uint8Array =>
  encodeDirent({ pino: 1, version: 1, ino: 2, mctime: 0, type: 8, name: name('a'), ...fields }, 'little');
const inode = (fields: Partial<InodeFields>, data: Uint8Array = new Uint8Array()): Uint8Array =>
  encodeInode(
    {
      ...{
        ino: 2,
        version: 1,
        mode: 0o100644,
        uid: 0,
        gid: 0,
        isize: data.length,
        atime: 0,
        mtime: 0,
        ctime: 0,
      },
      ...{ offset: 0, dsize: data.length, compr: 0 },
      ...fields,
    },
    data,
    'little',
  );
const scan = (bytes: Uint8Array): ReturnType<typeof scanJffs2> => scanJffs2(bytes, { eraseSize });
const kindsOf = (bytes: Uint8Array): ScanProblemKind[] => scan(bytes).report.problems.map(({ kind }) => kind);
const namesOf = (bytes: Uint8Array): string[] => [...scan(bytes).tree.entries.keys()];

describe('names and inodes that do not add up', () => {
  const fileNodes = inode({}, textLike(10, 1));
  for (const bad of ['a/b', 'a\0b', '', '.', '..']) {
    test(`the name ${JSON.stringify(bad)} is left out`, () => {
      const bytes = image(dirent({ name: name(bad) }), dirent({ version: 2, name: name('good') }), fileNodes);
      expect(namesOf(bytes)).toEqual(['good']);
      expect(kindsOf(bytes)).toEqual(['bad-name']);
    });
  }
  test('a name without an inode is left out', () => {
    expect(kindsOf(image(dirent({ ino: 77 })))).toEqual(['missing-inode']);
  });
  test('directories that hold each other, or themselves, end', () => {
    const folder = { mode: 0o040755 };
    const loop = image(
      dirent({ ino: 2, type: 4 }),
      inode(folder),
      dirent({ pino: 2, ino: 1, type: 4, name: name('root') }),
      dirent({ pino: 2, ino: 2, version: 2, type: 4, name: name('self') }),
    );
    expect(namesOf(loop)).toEqual(['a']);
    expect(kindsOf(loop)).toEqual(['directory-linked-twice', 'directory-linked-twice']);
  });
  test('directories that are linked twice at every level do not multiply', () => {
    const nodes: Uint8Array[] = [];
    for (let level = 1; level < 30; level++) {
      for (const [version, text] of [
        [1, 'x'],
        [2, 'y'],
      ] as const) {
        nodes.push(dirent({ pino: level, ino: level + 1, version, type: 4, name: name(text) }));
      }
    }
    expect(kindsOf(image(...nodes)).filter((kind) => kind === 'directory-linked-twice')).toHaveLength(28);
  });
  test('a mode of no type, a symlink without target, a device without number', () => {
    expect(kindsOf(image(dirent({}), inode({ mode: 0o070000 })))).toEqual(['bad-inode']);
    expect(kindsOf(image(dirent({}), inode({ mode: 0o120777 })))).toEqual(['bad-inode']);
    expect(kindsOf(image(dirent({}), inode({ mode: 0o020600, isize: 3 }, noise(3, 1))))).toEqual([
      'bad-inode',
    ]);
  });
  test('an inode whose nodes all have version 0 is not readable, as on Linux', () => {
    expect(kindsOf(image(dirent({}), inode({ version: 0 }, textLike(9, 1))))).toContain('bad-inode');
  });
});

describe('content that does not add up', () => {
  test('a damaged newest node lets the older one show', () => {
    const bytes = image(dirent({}), inode({}, textLike(100, 1)), inode({ version: 2 }, textLike(100, 2)));
    const at = 44 + 168 + 68 + 5;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const { tree, report } = scan(bytes);
    expect(report.problems.map(({ kind }) => kind)).toEqual(['bad-data']);
    const found = tree.entries.get(name('a'));
    expect(found?.type === 'file' && found.content.read(0, 200)).toEqual(textLike(100, 1));
  });
  test('a claim of 4 GiB costs nothing, and the file is cut to what nodes cover', () => {
    const bytes = image(dirent({}), inode({ isize: 0xffffffff }, textLike(100, 1)));
    const { tree, report } = scan(bytes);
    expect(report.problems.map(({ kind }) => kind)).toEqual(['cut-file']);
    const found = tree.entries.get(name('a'));
    expect(found?.type === 'file' && found.content.size).toBe(100);
  });
  test('a hole of 4 GiB is read piece by piece', () => {
    const bytes = image(dirent({}), inode({ isize: 0xffffffff, dsize: 0xffffffff, compr: 1 }));
    const found = scan(bytes).tree.entries.get(name('a'));
    expect(found?.type === 'file' && found.content.read(4_000_000_000, 5)).toEqual(new Uint8Array(5));
  });
  test('unknown compressors and rubin are named, and refused when the file is read', () => {
    for (const [compr, word] of [
      [3, 'rubinmips'],
      [5, 'dynrubin'],
      [99, 'compressor 99'],
    ] as const) {
      const { tree, report } = scan(image(dirent({}), inode({ compr, isize: 50, dsize: 50 }, noise(20, 1))));
      expect(report.problems[0]).toMatchObject({ kind: 'unsupported-compressor' });
      expect(report.problems[0]?.text).toContain(word);
      const found = tree.entries.get(name('a'));
      expect(() => found?.type === 'file' && found.content.read(0, 50)).toThrow(
        expect.objectContaining({ code: 'FW_JFFS2_DATA' }),
      );
    }
  });
  test('stored data cut or broken is a fault of the compressor, whatever size it claims', () => {
    for (const compr of [0, 2, 7, 8]) {
      for (const dsize of [1, 4096, 1 << 20, 0xffffffff]) {
        expect(decompress(compr, noise(33, compr), dsize)).toMatchObject({
          kind: 'fault',
          reason: 'damaged',
        });
      }
    }
    expect(decompress(6, noise(33, 6), 0xffffffff)).toMatchObject({ kind: 'fault' });
    expect(decompress(6, noise(33, 6), 100)).toMatchObject({ kind: 'data', damaged: true });
  });
  test('thousands of overlapping nodes of one file take time in proportion', () => {
    const nodes = Array.from({ length: 20_000 }, (_, i) =>
      inode({ version: i + 1, offset: (i * 7919) % 50_000, isize: 100_000, dsize: 3000, compr: 1 }),
    );
    const bytes = new Uint8Array(nodes.length * 68 + 65536).fill(0xff);
    bytes.set(dirent({}));
    nodes.forEach((node, i) => bytes.set(node, 44 + i * 68));
    expect(scanJffs2(bytes, { eraseSize: bytes.length & ~3 }).tree.entries.size).toBe(1);
  });
});

describe('whole images', () => {
  const tree = directory({ etc: directory({ motd: file(textLike(9000, 1)) }), noise: file(noise(6000, 2)) });
  const whole = writeJffs2(tree, { endian: 'little', eraseSize, summaries: true });

  test('cut at every border of a node, and one byte around it, what is whole is given', () => {
    for (const { nodeOffset, totlen } of nodesOf(whole, 'little')) {
      for (const at of [
        nodeOffset,
        nodeOffset + 1,
        nodeOffset + 12,
        nodeOffset + totlen - 1,
        nodeOffset + totlen,
      ]) {
        scanAll(whole.subarray(0, at), eraseSize);
      }
    }
  });
  test('every flipped bit of the metadata is survived', () => {
    for (const { nodeOffset } of nodesOf(whole, 'little')) {
      for (let bit = 0; bit < 68 * 8; bit += 5) {
        const bytes = whole.slice();
        const at = nodeOffset + (bit >> 3);
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
        scanAll(bytes, eraseSize);
      }
    }
  });
  test('random damage with right checksums is survived', () => {
    const only = process.env['FW_REPLAY'];
    const seeds = only === undefined ? Array.from({ length: 400 }, (_, i) => i) : [Number(only)];
    const nodes = nodesOf(whole, 'little');
    for (const seed of seeds) {
      const damaged = mutate(whole, nodes, 'little', seededRandom(seed));
      expect(
        () => scanAll(damaged),
        `FW_REPLAY=${seed} npx vitest run test/unit/jffs2/bad-input.test.ts`,
      ).not.toThrow();
    }
  });
  test('no JFFS2, the other byte order and impossible erase sizes are errors', () => {
    const code = (expected: string): unknown => expect.objectContaining({ code: expected });
    expect(() => scanJffs2(noise(9000, 3))).toThrow(code('FW_JFFS2_NOT_FOUND'));
    expect(() => scanJffs2(new Uint8Array(9000))).toThrow(code('FW_JFFS2_NOT_FOUND'));
    expect(() => scanJffs2(whole, { endian: 'big' })).toThrow(code('FW_JFFS2_ENDIAN'));
    for (const size of [0, -4096, 1024, 4097, Number.NaN]) {
      expect(() => scanJffs2(whole, { eraseSize: size })).toThrow(code('FW_JFFS2_ERASE_SIZE'));
    }
  });
  test('an erased area is empty, and one with foreign data behind an end marker too', () => {
    expect(scanJffs2(new Uint8Array(9000).fill(0xff)).tree.entries.size).toBe(0);
    const marked = noise(90_000, 4);
    marked.set([0xde, 0xad, 0xc0, 0xde]);
    expect(scanJffs2(marked)).toMatchObject({ report: { endMarkerOffset: 0, problems: [] } });
  });
  test('an unknown node that forbids mounting is reported as the reason', () => {
    const bytes = image(dirent({ ino: 0 }), dirent({ name: name('b') }));
    const node = bytes.subarray(0, 12);
    node[2] = 0x15;
    new DataView(node.buffer, node.byteOffset).setUint32(8, crc32Raw(node.subarray(0, 8)), true);
    expect(scan(bytes).report).toMatchObject({
      mountable: false,
      refusal: expect.stringContaining('0xe015') as string,
    });
  });
});
