/**
 * WRGG02, the header of older D-Link boards: 96 bytes, numbers little-endian, MD5 over offset, device and image.
 *
 * @see SPEC.md "WRGG"; OpenWrt firmware-utils src/mkwrgimg.c; digest rule checked against a published image
 */
import { createHash } from 'node:crypto';
import { FormatError } from '../core/index.js';
import { concatBytes, sameBytes } from './bytes.js';
import { fieldTable, raw, text, u32le } from './fields.js';
import type { FieldValues } from './fields.js';

/** The header. */
export const wrggTable = fieldTable('WRGG header', 96, {
  signature: text(0x00, 32),
  magic1: u32le(0x20),
  magic2: u32le(0x24),
  size: u32le(0x28),
  offset: u32le(0x2c),
  device: text(0x30, 32),
  digest: raw(0x50, 16),
});

/** Every field of a WRGG header. */
export type WrggHeader = FieldValues<typeof wrggTable.fields>;

const magic = 0x20040220;

/** Puts a header in front of an image. */
export function buildWrgg(
  identity: { readonly signature: string; readonly device: string; readonly offset?: number },
  image: Uint8Array,
): Uint8Array {
  const header = {
    signature: identity.signature,
    magic1: magic,
    magic2: magic,
    size: image.length,
    offset: identity.offset ?? 0,
    device: identity.device,
    digest: new Uint8Array(16),
  };
  return concatBytes(wrggTable.write({ ...header, digest: digestOf(header, image) }), image);
}

/** Rewrites the digest of the header at `offset` for the image behind it; returns a new file. */
export function sealWrgg(bytes: Uint8Array, offset = 0): Uint8Array {
  const sealed = Uint8Array.from(bytes);
  const header = wrggTable.read(sealed, offset);
  const start = offset + wrggTable.size;
  const digest = digestOf(header, sealed.subarray(start, start + header.size));
  sealed.set(wrggTable.write({ ...header, digest }), offset);
  return sealed;
}

function digestOf(header: WrggHeader, image: Uint8Array): Uint8Array {
  const covered = wrggTable
    .write(header)
    .subarray(wrggTable.fields.offset.offset, wrggTable.fields.digest.offset);
  return new Uint8Array(createHash('md5').update(covered).update(image).digest());
}

/** Says whether a header starts at `offset`. */
export function isWrgg(bytes: Uint8Array, offset = 0): boolean {
  if (offset < 0 || offset + wrggTable.size > bytes.length) return false;
  const header = wrggTable.read(bytes, offset);
  return header.magic1 === magic && header.magic2 === magic;
}

/**
 * Reads the header that starts at `offset`.
 *
 * @throws FormatError FW_FIRMWARE_MAGIC or FW_FIRMWARE_TRUNCATED
 */
export function readWrgg(
  bytes: Uint8Array,
  offset = 0,
): { readonly header: WrggHeader; readonly digestOk: boolean } {
  const header = wrggTable.read(bytes, offset);
  if (!isWrgg(bytes, offset))
    throw new FormatError('FW_FIRMWARE_MAGIC', `no WRGG header at 0x${offset.toString(16)}`, {
      data: { structure: 'WRGG header', offset, expected: magic, found: header.magic1 },
    });
  const start = offset + wrggTable.size;
  const image = bytes.subarray(start, start + header.size);
  return {
    header,
    digestOk: image.length === header.size && sameBytes(digestOf(header, image), header.digest),
  };
}
