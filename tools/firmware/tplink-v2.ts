/**
 * TP-Link image header versions 2 and 3: 512 bytes, numbers big-endian, unset bytes 0xFF, MD5 over the salted image.
 *
 * @see SPEC.md "TP-Link v2 and v3"; OpenWrt firmware-utils src/mktplinkfw2.c
 */
import { createHash } from 'node:crypto';
import { FormatError } from '../core/index.js';
import { concatBytes, sameBytes } from './bytes.js';
import { fieldTable, raw, u16be, u32be, u8 } from './fields.js';
import type { FieldValues } from './fields.js';
import { assembleTplinkBody, swapWord, tplinkHeaderSize } from './tplink-image.js';
import type { TplinkBody } from './tplink-image.js';

/** The header as it stands in the file. */
export const tplinkV2Table = fieldTable(
  'TP-Link v2 header',
  tplinkHeaderSize,
  {
    version: u32be(0x00),
    versionText: raw(0x04, 48, 0xff),
    hardwareId: u32be(0x34),
    hardwareRevision: u32be(0x38),
    hardwareRevisionAdd: u32be(0x3c),
    md5: raw(0x40, 16),
    unknown1: u32be(0x50),
    md5Second: raw(0x54, 16),
    unknown2: u32be(0x64),
    kernelLoad: u32be(0x68),
    kernelEntry: u32be(0x6c),
    firmwareLength: u32be(0x70),
    kernelOffset: u32be(0x74),
    kernelLength: u32be(0x78),
    rootfsOffset: u32be(0x7c),
    rootfsLength: u32be(0x80),
    bootOffset: u32be(0x84),
    bootLength: u32be(0x88),
    constant55aa: u16be(0x8c),
    secondaryVersionHigh: u8(0x8e),
    secondaryVersionLow: u8(0x8f),
    constantA5: u8(0x90),
    versionHigh: u8(0x91),
    versionMiddle: u8(0x92),
    versionLow: u8(0x93),
  },
  0xff,
);

/** Every field of a v2 or v3 header. */
export type TplinkV2Header = FieldValues<typeof tplinkV2Table.fields>;

const versions = { 2: 0x02000000, 3: 0x03000000 } as const;

const salts = {
  plain: Uint8Array.from(Buffer.from('dcd73aa5c39598fbdcf9e7f40eae4737', 'hex')),
  withBootLoader: Uint8Array.from(Buffer.from('8cef335fd5c5cefaac9c28dab2e90f42', 'hex')),
};

/** What a caller chooses of a v2 or v3 header. */
export interface TplinkV2Identity {
  readonly version: 2 | 3;
  /** For example `ver. 2.0`. */
  readonly versionText: string;
  readonly hardwareId: number;
  readonly hardwareRevision: number;
  readonly hardwareRevisionAdd: number;
  /** Writes load and entry with their bytes reversed. */
  readonly littleEndian: boolean;
}

/** Builds a whole image: header, kernel, root file system, end markers. */
export function buildTplinkV2Image(identity: TplinkV2Identity, body: TplinkBody): Uint8Array {
  const { image, rootfsOffset } = assembleTplinkBody(body);
  image.set(
    tplinkV2Table.write({
      ...headerOf(identity, body.layout, body.kernel.length),
      rootfsOffset,
      rootfsLength: body.rootfs.length,
    }),
  );
  image.set(tplinkV2Digest(image), tplinkV2Table.fields.md5.offset);
  return image;
}

/** Puts a header of the combined form in front of a kernel: MD5 over header and kernel, no root file system. */
export function buildTplinkV2Kernel(
  identity: TplinkV2Identity,
  kernel: Uint8Array,
  layout: TplinkBody['layout'],
): Uint8Array {
  const image = concatBytes(
    tplinkV2Table.write({
      ...headerOf(identity, layout, kernel.length),
      rootfsOffset: 0xffffffff,
      rootfsLength: 0xffffffff,
    }),
    kernel,
  );
  image.set(tplinkV2Digest(image), tplinkV2Table.fields.md5.offset);
  return image;
}

function headerOf(
  identity: TplinkV2Identity,
  layout: TplinkBody['layout'],
  kernelLength: number,
): TplinkV2Header {
  const word = identity.littleEndian ? swapWord : (value: number): number => value;
  return {
    version: versions[identity.version],
    versionText: Buffer.from(`${identity.versionText}\0`, 'latin1'),
    hardwareId: identity.hardwareId,
    hardwareRevision: identity.hardwareRevision,
    hardwareRevisionAdd: identity.hardwareRevisionAdd,
    md5: new Uint8Array(16),
    unknown1: 0,
    md5Second: new Uint8Array(16).fill(0xff),
    unknown2: 0xffffffff,
    kernelLoad: word(layout.load),
    kernelEntry: word(layout.entry),
    firmwareLength: layout.length,
    kernelOffset: tplinkHeaderSize,
    kernelLength,
    rootfsOffset: 0xffffffff,
    rootfsLength: 0xffffffff,
    bootOffset: 0,
    bootLength: 0,
    constant55aa: 0x55aa,
    secondaryVersionHigh: 1,
    secondaryVersionLow: 0,
    constantA5: 0xa5,
    versionHigh: 0,
    versionMiddle: 0,
    versionLow: 0,
  };
}

/** Computes the MD5 of an image whose header says whether a boot loader is part of it. */
export function tplinkV2Digest(image: Uint8Array): Uint8Array {
  const { bootLength } = tplinkV2Table.read(image);
  const salted = Uint8Array.from(image);
  salted.set(bootLength === 0 ? salts.plain : salts.withBootLoader, tplinkV2Table.fields.md5.offset);
  return new Uint8Array(createHash('md5').update(salted).digest());
}

/** Says whether bytes look like a v2 or v3 header: version word, constants, kernel right behind the header. */
export function isTplinkV2(bytes: Uint8Array, offset = 0): boolean {
  if (offset < 0 || offset + tplinkHeaderSize > bytes.length) return false;
  const header = tplinkV2Table.read(bytes, offset);
  return (
    (header.version === versions[2] || header.version === versions[3]) &&
    header.kernelOffset === tplinkHeaderSize &&
    header.constant55aa === 0x55aa
  );
}

/**
 * Reads the v2 or v3 header that starts at `offset`; the image runs to the end of the bytes.
 *
 * @throws FormatError FW_FIRMWARE_MAGIC when no such header stands there
 */
export function readTplinkV2(
  bytes: Uint8Array,
  offset = 0,
): { readonly header: TplinkV2Header; readonly digestOk: boolean } {
  const header = tplinkV2Table.read(bytes, offset);
  if (!isTplinkV2(bytes, offset))
    throw new FormatError('FW_FIRMWARE_MAGIC', `no TP-Link v2 header at 0x${offset.toString(16)}`, {
      data: { structure: 'TP-Link v2 header', offset, expected: versions[2], found: header.version },
    });
  return { header, digestOk: sameBytes(tplinkV2Digest(bytes.subarray(offset)), header.md5) };
}
