/**
 * Xiaomi's HDR1 container: header with up to eight parts, a signature behind them, CRC-32 without final inversion
 * over the parts.
 *
 * @see SPEC.md "Xiaomi HDR1"; checksum rule found on a small sample
 */
import { crc32, FormatError } from '../core/index.js';
import { fieldTable, text, u16le, u32le } from './fields.js';
import type { FieldValues } from './fields.js';

/** The header. */
export const hdr1Table = fieldTable('HDR1 header', 48, {
  magic: text(0, 4),
  signatureOffset: u32le(4),
  crc: u32le(8),
  unknown: u16le(12),
  device: u16le(14),
  part0: u32le(16),
  part1: u32le(20),
  part2: u32le(24),
  part3: u32le(28),
  part4: u32le(32),
  part5: u32le(36),
  part6: u32le(40),
  part7: u32le(44),
});

/** Every field of the header. */
export type Hdr1Header = FieldValues<typeof hdr1Table.fields>;

/** Reads the header that starts at `offset`; FW_FIRMWARE_MAGIC when none does. */
export function readHdr1(
  bytes: Uint8Array,
  offset = 0,
): { readonly header: Hdr1Header; readonly crcOk: boolean; readonly parts: readonly number[] } {
  const header = hdr1Table.read(bytes, offset);
  if (header.magic !== 'HDR1')
    throw new FormatError('FW_FIRMWARE_MAGIC', `no HDR1 header at 0x${offset.toString(16)}`, {
      data: { structure: 'HDR1 header', offset, expected: 'HDR1', found: header.magic },
    });
  const end = offset + header.signatureOffset;
  const covered = bytes.subarray(offset + hdr1Table.size, end);
  return {
    header,
    crcOk: end <= bytes.length && (crc32(covered) ^ 0xffffffff) >>> 0 === header.crc,
    parts: [
      header.part0,
      header.part1,
      header.part2,
      header.part3,
      header.part4,
      header.part5,
      header.part6,
      header.part7,
    ].filter((part) => part > 0),
  };
}

/** Rewrites the checksum of the header at `offset`; returns a new file. The signature behind the parts is left alone. */
export function sealHdr1(bytes: Uint8Array, offset = 0): Uint8Array {
  const sealed = Uint8Array.from(bytes);
  const header = hdr1Table.read(sealed, offset);
  const covered = sealed.subarray(offset + hdr1Table.size, offset + header.signatureOffset);
  sealed.set(hdr1Table.write({ ...header, crc: (crc32(covered) ^ 0xffffffff) >>> 0 }), offset);
  return sealed;
}
