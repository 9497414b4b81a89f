import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildUImage, endMarker, padJffs2, splitFirmware } from '../../../tools/firmware/index.js';
import {
  inspectFile,
  repackFile,
  unpackDocumentSchema,
  unpackFile,
  walkParts,
} from '../../../tools/inspect/index.js';
import type { Part, Unpacked } from '../../../tools/inspect/index.js';
import { fixture, fixturePath, requires } from '../../support/requires.js';
import { thrownBy } from '../firmware/vectors.js';
import { uImageKernel } from '../../support/image-inputs.js';
import { squashfsSuperBlock } from '../../support/squashfs-super-block.js';

const images = [
  'fw-ath25-combined-redboot.img',
  'fw-ath25-ubnt2.bin',
  'fw-dni-netgear-wnr2000v5-1.0.0.18.img',
  'fw-fit-kernel.itb',
  'fw-orion-wnr854t-factory-jffs2-kernel.img',
  'fw-tplink-safeloader-cpe210-factory.bin',
  'fw-tplink-v1-tl-wr703n-sysupgrade.bin',
  'fw-tplink-v2-tl-wr841n-v14-tftp-recovery.bin',
  'fw-trx-wrt54g-openwrt-brcm2.4.bin',
  'fw-uimage-a5v11-19.07.7-sysupgrade.bin',
  'fw-wrgg-dir-300-b1-factory.bin',
  'tiny-xiaomi-hdr1.bin',
] as const;
const load = (name: string): Uint8Array => new Uint8Array(readFileSync(fixturePath(name)));
const failedChecks = (bytes: Uint8Array, { parts } = inspectFile(bytes)): string[] =>
  [...walkParts(parts)].flatMap(({ part }) =>
    part.checks.filter(({ ok }) => !ok).map(({ name }) => `${part.title}: ${name}`),
  );
const pieceOf = ({ document }: Unpacked, kind: Part['kind']): Unpacked['document']['pieces'][number] => {
  const piece = document.pieces.find((candidate) => candidate.kind === kind);
  if (!piece) throw new Error(`no piece of kind ${kind}`);
  return piece;
};
const withPiece = (unpacked: Unpacked, file: string, content: Uint8Array): Map<string, Uint8Array> =>
  new Map([...unpacked.pieces, [file, content]]);

describe('unedited images come back byte for byte', () => {
  for (const name of images)
    requires(fixture(name))(`${name}, also with every checksum computed anew`, () => {
      const bytes = load(name);
      const unpacked = unpackFile(bytes);
      const document = unpackDocumentSchema.parse(JSON.parse(JSON.stringify(unpacked.document)));
      expect(Buffer.compare(repackFile(document, unpacked.pieces).bytes, bytes)).toBe(0);
      const resealed = repackFile(document, unpacked.pieces, { resealAll: true });
      expect(Buffer.compare(resealed.bytes, bytes)).toBe(0);
      expect(resealed.edited).toEqual([]);
    });
});

describe('an edited root file system of the same length gives right checksums', () => {
  for (const name of images.filter((image) => !/fit|hdr1/.test(image)))
    requires(fixture(name))(name, () => {
      const unpacked = unpackFile(load(name));
      const piece = pieceOf(unpacked, 'squashfs');
      const edited = Uint8Array.from(unpacked.pieces.get(piece.file) ?? []);
      edited[edited.length >> 1] = (edited[edited.length >> 1] ?? 0) ^ 0xff;
      const { bytes, edited: files } = repackFile(unpacked.document, withPiece(unpacked, piece.file, edited));
      expect(files).toEqual([piece.file]);
      expect(bytes.length).toBe(unpacked.document.size);
      expect(failedChecks(bytes)).toEqual([]);
    });
});

/** A squashfs superblock that claims `size` bytes, and `size` bytes in all. */
function fakeSquashfs(size: number): Uint8Array {
  const bytes = new Uint8Array(size).fill(0x5a);
  bytes.set(squashfsSuperBlock(size));
  return bytes;
}

describe('an image whose root file system changes its length', () => {
  const kernel = uImageKernel(5064);
  const image = (size: number): Uint8Array =>
    padJffs2(Buffer.concat([kernel, fakeSquashfs(size)]), [0x10000]);

  const edit = (size: number): Uint8Array => {
    const unpacked = unpackFile(image(0x28000));
    return repackFile(
      unpacked.document,
      withPiece(unpacked, pieceOf(unpacked, 'squashfs').file, fakeSquashfs(size)),
    ).bytes;
  };

  test.each([0x20000, 0x27fff, 0x28001, 0x2e000])(
    'to 0x%x bytes keeps the marker where the kernel looks',
    (size) => {
      const bytes = edit(size);
      expect(bytes.length).toBe(image(0x28000).length);
      const board = {
        endianness: 'little',
        flash: { eraseSize: 0x10000 },
        split: { mode: 'nested', parser: 'uimage' },
        partitions: [],
        headers: {},
      } as const;
      const whole = new Uint8Array(0x100000).fill(0xff);
      whole.set(bytes);
      const data = splitFirmware(whole, board).rootfsData?.offset ?? 0;
      expect(Buffer.from(whole.subarray(data, data + 4)).equals(endMarker)).toBe(true);
    },
  );

  test('beyond the original is refused with the figures', () => {
    const error = thrownBy(() => edit(0x2f000));
    expect(error).toMatchObject({ code: 'FW_BUDGET_PIECE', data: { overBy: 0x10000 } });
    expect(thrownBy(() => edit(0x100000))).toMatchObject({ code: 'FW_BUDGET_PIECE' });
  });
});

const growth = { unit: 0x10000, limit: 2 ** 24, what: 'the partition' };

describe('a root file system that needs more erase blocks makes the image grow, where that is allowed', () => {
  for (const name of images.filter((image) => !/fit|hdr1/.test(image)))
    requires(fixture(name))(name, () => {
      const unpacked = unpackFile(load(name));
      const piece = pieceOf(unpacked, 'squashfs');
      const larger = fakeSquashfs(piece.size + 0x20000);
      const pieces = withPiece(unpacked, piece.file, larger);
      const { bytes, notes } = repackFile(unpacked.document, pieces, { growth });
      expect(bytes.length).toBeGreaterThanOrEqual(unpacked.document.size);
      expect(notes.length).toBeGreaterThan(0);
      const inspection = inspectFile(bytes);
      expect(failedChecks(bytes, inspection)).toEqual([]);
      const found = [...walkParts(inspection.parts)].filter(({ part }) => part.kind === 'squashfs');
      expect(found.map(({ part }) => [part.offset, part.size])).toEqual([[piece.offset, larger.length]]);
      // What stood behind the root is still there, in the same order; markers are as many as their rule gives.
      const kinds = (parts: readonly Part[]): string[] =>
        [...walkParts(parts)]
          .map(({ part }) => part.kind)
          .filter((kind) => kind !== 'padding' && kind !== 'end-marker');
      expect(kinds(inspection.parts)).toEqual(kinds(unpacked.document.parts));
    });
});

describe('a kernel that outgrows its place', () => {
  const header = { time: 0, load: 0, entry: 0, arch: 5, type: 2, compression: 0, name: 'k' };
  const kernel = (size: number): Uint8Array => new Uint8Array(size).fill(0x11);
  const padTo64k = (bytes: Uint8Array): Buffer =>
    Buffer.concat([bytes, new Uint8Array(Math.ceil(bytes.length / 0x10000) * 0x10000 - bytes.length)]);
  const image = padJffs2(
    Buffer.concat([padTo64k(buildUImage(kernel(5000), header)), fakeSquashfs(0x28000)]),
    [0x10000],
  );
  const edit = (size: number, options = {}): Uint8Array => {
    const unpacked = unpackFile(image);
    const piece = pieceOf(unpacked, 'unknown');
    return repackFile(unpacked.document, withPiece(unpacked, piece.file, kernel(size)), options).bytes;
  };
  const described = (bytes: Uint8Array): (string | number)[][] =>
    [...walkParts(inspectFile(bytes).parts)]
      .filter(({ part }) => ['uimage', 'squashfs', 'end-marker'].includes(part.kind))
      .map(({ part }) => [part.kind, part.offset, part.size]);

  test('uses the padding behind it, and its header says so', () => {
    const bytes = edit(0xfff0 - 64);
    expect(failedChecks(bytes)).toEqual([]);
    expect(described(bytes)).toEqual([
      ['uimage', 0, 0xfff0],
      ['squashfs', 0x10000, 0x28000],
      ['end-marker', 0x40000, 4],
    ]);
  });

  test('moves what stands behind by whole erase blocks', () => {
    const bytes = edit(0x10000, { growth });
    expect(failedChecks(bytes)).toEqual([]);
    expect(described(bytes)).toEqual([
      ['uimage', 0, 0x10040],
      ['squashfs', 0x20000, 0x28000],
      ['end-marker', 0x50000, 4],
    ]);
  });

  test('is refused without growth, and beyond the limit, with the figures', () => {
    expect(thrownBy(() => edit(0x10000))).toMatchObject({
      code: 'FW_BUDGET_PIECE',
      data: { limit: 0x10000 - 64, use: 0x10000, overBy: 64 },
    });
    expect(thrownBy(() => edit(0x10000, { growth: { ...growth, limit: image.length } }))).toMatchObject({
      code: 'FW_BUDGET_PIECE',
      data: { limit: image.length, use: image.length + 0x10000, overBy: 0x10000 },
    });
  });
});

requires(fixture('fw-tplink-v1-tl-wr703n-sysupgrade.bin'))(
  'a TP-Link header follows the length of the root',
  () => {
    const unpacked = unpackFile(load('fw-tplink-v1-tl-wr703n-sysupgrade.bin'));
    const piece = pieceOf(unpacked, 'squashfs');
    const shorter = Uint8Array.from(unpacked.pieces.get(piece.file) ?? []).slice(0, -1000);
    new DataView(shorter.buffer).setBigUint64(40, BigInt(shorter.length), true);
    const { bytes, notes } = repackFile(unpacked.document, withPiece(unpacked, piece.file, shorter));
    expect(notes).toHaveLength(1);
    expect(failedChecks(bytes)).toEqual([]);
    expect(inspectFile(bytes).parts[0]?.details['rootfsLength']).toBe(piece.size - 1000);
  },
);

test('a missing piece is named', () => {
  const unpacked = unpackFile(padJffs2(fakeSquashfs(5000), [4096]));
  expect(thrownBy(() => repackFile(unpacked.document, new Map()))).toMatchObject({
    code: 'FW_INSPECT_PIECE',
  });
});

test('the published images are there in full when any is', () => {
  const present = images.filter((name) => existsSync(fixturePath(name)));
  expect([0, images.length]).toContain(present.length);
});
