import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byteString, bytesOf } from '../../../tools/core/index.js';
import type { ByteString } from '../../../tools/core/index.js';
import { decodeDevice, encodeDevice } from '../../../tools/jffs2/node/device.js';
import {
  encodeCleanmarker,
  encodeDirent,
  encodeInode,
  encodePadding,
  encodeXattr,
  encodeXref,
} from '../../../tools/jffs2/node/encode.js';
import { inodeData, inodeDataIsValid, parseNode, xattrBody } from '../../../tools/jffs2/node/parse.js';
import { encodeSummary, parseSummary } from '../../../tools/jffs2/node/summary.js';
import type { SummaryEntry } from '../../../tools/jffs2/node/summary.js';
import { decodeAcl, encodeAcl, joinXattrName, splitXattrName } from '../../../tools/jffs2/node/xattr.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const name = (text: string): ByteString => text as ByteString;
const endians = ['little', 'big'] as const;

describe('nodes have the bytes that Linux and mkfs.jffs2 write', () => {
  test('cleanmarkers', () => {
    expect(hex(encodeCleanmarker(12, 'little'))).toBe('851903200c000000b1b01ee4');
    expect(hex(encodeCleanmarker(12, 'big'))).toBe('198520030000000cf060dc98');
    expect(hex(encodeCleanmarker(16, 'little'))).toBe('85190320100000009658d1feffffffff');
    expect(hex(encodeCleanmarker(16, 'big').subarray(0, 12))).toBe('1985200300000010e46180d7');
  });

  test('a dirent', () => {
    const fields = { pino: 1, version: 2, ino: 4, mctime: 0x65937d25, type: 4, name: name('etc') };
    expect(hex(encodeDirent(fields, 'little'))).toBe(
      '851901e02b000000e66e267d010000000200000004000000257d93650304000061637402db85f4d1657463',
    );
    const big = { pino: 1, version: 0, ino: 2, mctime: 0x65937d25, type: 2, name: name('big') };
    expect(hex(encodeDirent(big, 'big'))).toBe(
      '1985e0010000002b3e42242700000001000000000000000265937d2503020000479dd6a62cba3b5b626967',
    );
  });

  test('an inode without data', () => {
    const time = 0x65937d25;
    const fields = {
      ...{ ino: 4, version: 1, mode: 0o40755, uid: 0, gid: 0, isize: 0, offset: 0, dsize: 0, compr: 0 },
      ...{ atime: time, mtime: time, ctime: time },
    };
    expect(hex(encodeInode(fields, new Uint8Array(), 'little'))).toBe(
      '851902e0440000001dfbf7980400000001000000ed41000000000000' +
        '00000000257d9365257d9365257d936500000000000000000000000000000000000000006cf9ae0e',
    );
  });

  test('a symlink', () => {
    const time = 0x65937d25;
    const fields = {
      ...{ ino: 5, version: 1, mode: 0o120777, uid: 0, gid: 0, isize: 8, offset: 0, dsize: 8, compr: 0 },
      ...{ atime: time, mtime: time, ctime: time },
    };
    const node = encodeInode(fields, bytesOf(name('etc/motd')), 'little');
    expect(hex(node.subarray(0, 12))).toBe('851902e04c000000f2d3435d');
    expect(hex(node.subarray(60, 68))).toBe('b62596c61bf18e9b');
  });

  test('an xattr and its reference', () => {
    const fields = { xid: 2, version: 1, xprefix: 1, name: name('k'), value: bytesOf(name('val')) };
    expect(hex(encodeXattr(fields, 'little'))).toBe(
      '851908e028000000c0909c480200000001000000010103002b257c8653aca83e6b0076616cffffff',
    );
    expect(hex(encodeXref({ ino: 3, xid: 2, xseqno: 4 }, 'little'))).toBe(
      '851909e01c000000932c89fc030000000200000004000000da42d9ba',
    );
  });

  test('device numbers', () => {
    expect(hex(encodeDevice({ major: 1, minor: 3 }, 'little'))).toBe('0301');
    expect(hex(encodeDevice({ major: 1, minor: 3 }, 'big'))).toBe('0103');
    expect(encodeDevice({ major: 300, minor: 70000 }, 'little')).toHaveLength(4);
    expect(decodeDevice(new Uint8Array(3), 'little')).toBeUndefined();
  });

  test('a default ACL', () => {
    const body = fromHex('01000000 01000700 02000700 e8030000 04000500 10000700 20000500');
    const value = decodeAcl(body, 'little');
    expect(value && hex(value)).toBe(
      '0200000001000700ffffffff02000700e803000004000500ffffffff10000700ffffffff20000500ffffffff',
    );
    expect(value && encodeAcl(value, 'little')).toEqual(body);
    expect(value && decodeAcl(encodeAcl(value, 'big') ?? body, 'big')).toEqual(value);
    expect(decodeAcl(body.subarray(0, 14), 'little')).toBeUndefined();
    expect(encodeAcl(body, 'little')).toBeUndefined();
  });
});

describe('what is encoded is parsed back', () => {
  const u32 = fc.nat({ max: 0xffffffff });
  const bytes = fc.uint8Array({ maxLength: 300 });
  const nameBytes = fc.uint8Array({ minLength: 1, maxLength: 254 }).map(byteString);
  const endian = fc.constantFrom(...endians);

  test('inodes', () => {
    const fields = fc.record({
      ...{ ino: u32, version: u32, mode: u32, isize: u32, offset: u32, dsize: u32 },
      ...{ atime: u32, mtime: u32, ctime: u32 },
      ...{ uid: fc.nat(0xffff), gid: fc.nat(0xffff), compr: fc.nat(255) },
      ...{ usercompr: fc.nat(255), flags: fc.nat(0xffff) },
    });
    fc.assert(
      fc.property(fields, bytes, endian, (wanted, data, order) => {
        const image = encodeInode(wanted, data, order);
        const node = parseNode(image, 0, image.length, order);
        expect(node).toMatchObject({ kind: 'inode', accurate: true, csize: data.length, ...wanted });
        if (node.kind !== 'inode') return;
        expect(inodeData(image, node)).toEqual(data);
        expect(inodeDataIsValid(image, node)).toBe(true);
      }),
    );
  });

  test('dirents', () => {
    const fields = fc.record({
      ...{ pino: u32, version: u32, ino: u32, mctime: u32, type: fc.nat(15), name: nameBytes },
    });
    fc.assert(
      fc.property(fields, endian, (wanted, order) => {
        const image = encodeDirent(wanted, order);
        expect(parseNode(image, 0, image.length, order)).toMatchObject({ kind: 'dirent', ...wanted });
      }),
    );
  });

  test('xattrs and references', () => {
    fc.assert(
      fc.property(u32, fc.nat(255), nameBytes, bytes, endian, (xid, xprefix, key, value, order) => {
        const image = encodeXattr({ xid, version: 1, xprefix, name: key, value }, order);
        const node = parseNode(image, 0, image.length, order);
        expect(node).toMatchObject({ kind: 'xattr', xid, xprefix });
        if (node.kind === 'xattr') expect(xattrBody(image, node)).toEqual({ name: key, value });
      }),
    );
    const image = encodeXref({ ino: 7, xid: 8, xseqno: 9 }, 'big');
    expect(parseNode(image, 0, 28, 'big')).toMatchObject({ kind: 'xref', ino: 7, xid: 8, xseqno: 9 });
  });

  test('device numbers of 12 and 20 bits', () => {
    fc.assert(
      fc.property(fc.nat(0xfff), fc.nat(0xfffff), endian, (major, minor, order) => {
        expect(decodeDevice(encodeDevice({ major, minor }, order), order)).toEqual({ major, minor });
      }),
    );
  });

  test('summaries', () => {
    const entries: SummaryEntry[] = [
      { kind: 'dirent', pino: 1, version: 2, ino: 3, type: 4, name: name('etc'), offset: 12, totlen: 43 },
      { kind: 'inode', ino: 3, version: 1, offset: 56, totlen: 68 },
      { kind: 'xattr', xid: 5, version: 1, offset: 124, totlen: 40 },
      { kind: 'xref', offset: 164 },
    ];
    for (const order of endians) {
      const block = new Uint8Array(4096);
      block.set(encodeSummary({ entries, cleanmarkerSize: 12, offset: 192 }, 4096, order), 192);
      expect(parseSummary(block, order)).toEqual({ entries, cleanmarkerSize: 12, padded: 0, offset: 192 });
    }
  });

  test('xattr names of the five namespaces', () => {
    for (const full of [
      'user.a',
      'security.capability',
      'trusted.overlay.opaque',
      'system.posix_acl_access',
    ]) {
      const split = splitXattrName(name(full));
      expect(split && joinXattrName(split.xprefix, split.rest)).toBe(full);
    }
    expect([splitXattrName(name('system.other')), splitXattrName(name('user.'))]).toEqual([
      undefined,
      undefined,
    ]);
    expect([joinXattrName(9, name('x')), joinXattrName(3, name('x'))]).toEqual([undefined, undefined]);
  });
});

describe('damaged nodes', () => {
  const dirent = encodeDirent(
    { pino: 1, version: 2, ino: 4, mctime: 0, type: 4, name: name('etc') },
    'little',
  );
  const reasonAfter = (change: (bytes: Uint8Array) => void): string => {
    const copy = dirent.slice();
    change(copy);
    const result = parseNode(copy, 0, copy.length, 'little');
    return result.kind === 'fault' ? result.reason : result.kind;
  };

  test('an obsolete node keeps its checksums and says that it is obsolete', () => {
    const obsolete = dirent.slice();
    obsolete[3] = 0xc0;
    expect(parseNode(obsolete, 0, 43, 'little')).toMatchObject({ kind: 'dirent', accurate: false, ino: 4 });
  });

  test('every flipped bit of a dirent is found', () => {
    for (let bit = 0; bit < dirent.length * 8; bit++) {
      if (bit === 3 * 8 + 5) continue; // ACCURATE: makes the node obsolete, not bad
      const found = reasonAfter((bytes) => (bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))));
      expect(found).toMatch(/magic|crc/);
    }
  });

  test('a node cut anywhere is no node', () => {
    for (let length = 0; length < dirent.length; length++) {
      expect(parseNode(dirent.subarray(0, length), 0, length, 'little').kind).toBe('fault');
    }
  });

  test('the other byte order, JFFS1 and erased flash are told apart', () => {
    expect(parseNode(dirent, 0, 43, 'big')).toMatchObject({ reason: 'swapped-magic' });
    expect(reasonAfter((bytes) => (bytes[0] = 0x84))).toBe('old-magic');
    expect(reasonAfter((bytes) => bytes.fill(0xff))).toBe('erased');
    expect(reasonAfter((bytes) => bytes.fill(0))).toBe('zero');
  });

  test('padding is a header and zeros', () => {
    const node = encodePadding(40, 'little');
    expect(parseNode(node, 0, 40, 'little')).toMatchObject({ kind: 'padding', totlen: 40 });
    expect(node.subarray(12)).toEqual(new Uint8Array(28));
  });

  test('a summary that is damaged or out of bounds is not believed', () => {
    const block = new Uint8Array(4096).fill(0xff);
    expect(parseSummary(block, 'little')).toBe('none');
    const entries: SummaryEntry[] = [{ kind: 'inode', ino: 3, version: 1, offset: 12, totlen: 68 }];
    block.set(encodeSummary({ entries, cleanmarkerSize: 12, offset: 80 }, 4096, 'little'), 80);
    const after = (change: (bytes: Uint8Array) => void): unknown => {
      const copy = block.slice();
      change(copy);
      return parseSummary(copy, 'little');
    };
    expect(after((bytes) => (bytes[4090] = 0xff))).toBe('offset');
    expect(after((bytes) => (bytes[4088] = 84))).toBe('header');
    expect(after((bytes) => (bytes[93] = 7))).toBe('node-crc');
    expect(after((bytes) => (bytes[114] = 7))).toBe('sum-crc');
    const wild: SummaryEntry[] = [{ kind: 'inode', ino: 3, version: 1, offset: 12, totlen: 9999 }];
    block.set(encodeSummary({ entries: wild, cleanmarkerSize: 12, offset: 80 }, 4096, 'little'), 80);
    expect(parseSummary(block, 'little')).toBe('entries');
  });
});
