/**
 * TP-Link image header version 1: 512 bytes, numbers big-endian, MD5 over the salted image.
 *
 * @see SPEC.md "TP-Link v1"; OpenWrt firmware-utils src/mktplinkfw.c
 */
import { createHash } from 'node:crypto';
import { FormatError } from '../core/index.js';
import { concatBytes, sameBytes } from './bytes.js';
import { fieldTable, raw, text, u16be, u32be } from './fields.js';
import type { FieldValues } from './fields.js';
import { assembleTplinkBody, tplinkHeaderSize } from './tplink-image.js';
import type { TplinkBody } from './tplink-image.js';

/** The header as it stands in the file. */
export const tplinkV1Table = fieldTable('TP-Link v1 header', tplinkHeaderSize, {
  version: u32be(0x000),
  vendor: text(0x004, 24),
  versionText: text(0x01c, 36),
  hardwareId: u32be(0x040),
  hardwareRevision: u32be(0x044),
  region: u32be(0x048),
  md5: raw(0x04c, 16),
  unknown1: u32be(0x05c),
  md5Second: raw(0x060, 16),
  unknown2: u32be(0x070),
  kernelLoad: u32be(0x074),
  kernelEntry: u32be(0x078),
  firmwareLength: u32be(0x07c),
  kernelOffset: u32be(0x080),
  kernelLength: u32be(0x084),
  rootfsOffset: u32be(0x088),
  rootfsLength: u32be(0x08c),
  bootOffset: u32be(0x090),
  bootLength: u32be(0x094),
  versionHigh: u16be(0x098),
  versionMiddle: u16be(0x09a),
  versionLow: u16be(0x09c),
  regionText1: text(0x120, 32),
  regionText2: text(0x140, 32),
});

/** Every field of a v1 header. */
export type TplinkV1Header = FieldValues<typeof tplinkV1Table.fields>;

/** `version` of a v1 header: the bytes 01 00 00 00, or 02 00 00 00. */
const tplinkV1Versions = { 1: 0x01000000, 2: 0x02000000 } as const;

const salts = {
  plain: Uint8Array.from(Buffer.from('dcd73aa5c39598fbddf9e7f40eae4738', 'hex')),
  withBootLoader: Uint8Array.from(Buffer.from('8cef335bd5c5cefaa79c28dab2e90f42', 'hex')),
};

/** What a caller chooses of a v1 header. */
export interface TplinkV1Identity {
  readonly version: 1 | 2;
  readonly vendor: string;
  readonly versionText: string;
  readonly hardwareId: number;
  readonly hardwareRevision: number;
  /** Two-letter region of the factory image, for example `US`. */
  readonly region?: string | undefined;
}

/** Builds a whole image: header, kernel, root file system, end markers. */
export function buildTplinkV1Image(identity: TplinkV1Identity, body: TplinkBody): Uint8Array {
  const { image, rootfsOffset } = assembleTplinkBody(body);
  image.set(
    tplinkV1Table.write({
      ...headerOf(identity, body.kernel.length),
      kernelLoad: body.layout.load,
      kernelEntry: body.layout.entry,
      firmwareLength: body.layout.length,
      rootfsOffset,
      rootfsLength: body.rootfs.length,
    }),
  );
  image.set(tplinkV1Digest(image), tplinkV1Table.fields.md5.offset);
  return image;
}

/**
 * Puts a header of the combined form in front of a kernel: no MD5, no lengths but the kernel's.
 *
 * @param withRootfsOffset  says where a root file system appended later will start
 */
export function buildTplinkV1Kernel(
  identity: TplinkV1Identity,
  kernel: Uint8Array,
  addresses: { readonly load: number; readonly entry: number },
  withRootfsOffset = false,
): Uint8Array {
  const header = tplinkV1Table.write({
    ...headerOf(identity, kernel.length),
    kernelLoad: addresses.load,
    kernelEntry: addresses.entry,
    firmwareLength: 0,
    rootfsOffset: withRootfsOffset ? tplinkHeaderSize + kernel.length : 0,
    rootfsLength: 0,
  });
  return concatBytes(header, kernel);
}

function headerOf(identity: TplinkV1Identity, kernelLength: number): TplinkV1Header {
  const regions = regionTexts(identity.region);
  return {
    version: tplinkV1Versions[identity.version],
    vendor: identity.vendor,
    versionText: identity.versionText,
    hardwareId: identity.hardwareId,
    hardwareRevision: identity.hardwareRevision,
    region: identity.region === 'US' ? 1 : 0,
    md5: new Uint8Array(16),
    unknown1: 0,
    md5Second: new Uint8Array(16),
    unknown2: 0,
    kernelLoad: 0,
    kernelEntry: 0,
    firmwareLength: 0,
    kernelOffset: tplinkHeaderSize,
    kernelLength,
    rootfsOffset: 0,
    rootfsLength: 0,
    bootOffset: 0,
    bootLength: 0,
    versionHigh: 0,
    versionMiddle: 0,
    versionLow: 0,
    ...regions,
  };
}

function regionTexts(region: string | undefined): { regionText1: string; regionText2: string } {
  if (region === undefined) return { regionText1: '', regionText2: '' };
  const hex = Buffer.from(region.padEnd(4, '\0').slice(0, 4), 'latin1').toString('hex').toUpperCase();
  return { regionText1: `00000000;${hex};`, regionText2: hex };
}

/** Computes the MD5 of an image whose header says whether a boot loader is part of it. */
export function tplinkV1Digest(image: Uint8Array): Uint8Array {
  const { bootLength } = tplinkV1Table.read(image);
  const salted = Uint8Array.from(image);
  salted.set(bootLength === 0 ? salts.plain : salts.withBootLoader, tplinkV1Table.fields.md5.offset);
  return new Uint8Array(createHash('md5').update(salted).digest());
}

/** Says whether bytes look like a v1 header: its version word and the kernel right behind the header. */
export function isTplinkV1(bytes: Uint8Array, offset = 0): boolean {
  if (offset < 0 || offset + tplinkHeaderSize > bytes.length) return false;
  const header = tplinkV1Table.read(bytes, offset);
  return (
    (header.version === tplinkV1Versions[1] || header.version === tplinkV1Versions[2]) &&
    header.kernelOffset === tplinkHeaderSize
  );
}

/**
 * Reads the v1 header that starts at `offset`; the image runs to the end of the bytes.
 *
 * @returns `digestOk` is undefined in the combined form, which has no MD5
 * @throws FormatError FW_FIRMWARE_MAGIC when no v1 header stands there
 */
export function readTplinkV1(
  bytes: Uint8Array,
  offset = 0,
): { readonly header: TplinkV1Header; readonly digestOk: boolean | undefined } {
  const header = tplinkV1Table.read(bytes, offset);
  if (!isTplinkV1(bytes, offset))
    throw new FormatError('FW_FIRMWARE_MAGIC', `no TP-Link v1 header at 0x${offset.toString(16)}`, {
      data: { structure: 'TP-Link v1 header', offset, expected: tplinkV1Versions[1], found: header.version },
    });
  const isCombined = header.md5.every((byte) => byte === 0);
  return {
    header,
    digestOk: isCombined ? undefined : sameBytes(tplinkV1Digest(bytes.subarray(offset)), header.md5),
  };
}
