/**
 * TRX, the container of Broadcom boot loaders: header, up to four parts, CRC-32 without final inversion.
 *
 * @see SPEC.md "TRX"; OpenWrt firmware-utils src/trx.c, src/otrx.c
 */
import { BudgetError, crc32, FormatError, groupDigits } from '../core/index.js';
import { concatBytes, padded } from './bytes.js';
import { fieldTable, u16le, u32le } from './fields.js';
import type { FieldValues } from './fields.js';

/** `HDR0`, as a little-endian number. */
export const trxMagic = 0x30524448;

/** Header of version 1; version 2 has a fourth offset behind it. */
export const trxTable = fieldTable('TRX header', 28, {
  magic: u32le(0),
  length: u32le(4),
  crc: u32le(8),
  flags: u16le(12),
  version: u16le(14),
  offset0: u32le(16),
  offset1: u32le(20),
  offset2: u32le(24),
});

/** The offset that version 2 adds. */
const fourthOffsetTable = fieldTable('TRX v2 offset', 4, { offset3: u32le(0) });

/** Every field of a header. */
export type TrxHeader = FieldValues<typeof trxTable.fields>;

const headerSizes = { 1: 28, 2: 32 } as const;
const fileUnit = 0x1000;

/** What goes into a TRX, in order, as the original tool's options say it. */
export type TrxPart =
  /** Data with an offset in the header, zero-padded to 4. */
  | { readonly kind: 'file'; readonly data: Uint8Array }
  /** Data behind the part before it, without an offset of its own. */
  | { readonly kind: 'append'; readonly data: Uint8Array }
  /** Zeros to a multiple of `unit`, counted from the start of the header. */
  | { readonly kind: 'align'; readonly unit: number }
  /** Zeros up to an absolute offset. */
  | { readonly kind: 'fill-to'; readonly offset: number }
  /** Length and checksum of the header end here. */
  | { readonly kind: 'end-mark' };

/** What a caller chooses besides the parts. */
export interface TrxOptions {
  readonly version?: 1 | 2;
  readonly magic?: number;
  /** Most bytes of the file. */
  readonly limit?: number | undefined;
}

/**
 * Builds a TRX.
 *
 * @throws BudgetError FW_BUDGET_CHECK_SIZE over the limit; FormatError FW_FIRMWARE_FIELD for too many parts
 */
export function buildTrx(parts: readonly TrxPart[], options: TrxOptions = {}): Uint8Array {
  const { version = 1, magic = trxMagic, limit } = options;
  let file: Uint8Array = new Uint8Array(headerSizes[version]);
  let end: number | undefined;
  const offsets: number[] = [];
  for (const part of parts) {
    switch (part.kind) {
      case 'file':
        offsets.push(file.length);
        file = concatBytes(file, padded(part.data, 4));
        break;
      case 'append':
        file = concatBytes(file, padded(part.data, 4));
        break;
      case 'align':
        file = padded(file, part.unit);
        break;
      case 'fill-to':
        file = concatBytes(file, new Uint8Array(Math.max(0, part.offset - file.length)));
        break;
      case 'end-mark':
        end = file.length;
        break;
    }
  }
  const most = version === 1 ? 3 : 4;
  if (offsets.length > most)
    throw new FormatError(
      'FW_FIRMWARE_FIELD',
      `TRX v${version} has room for ${most} parts, found ${offsets.length}`,
      {
        data: { structure: 'TRX header', expected: most, found: offsets.length },
      },
    );
  file = padded(file, fileUnit);
  if (limit !== undefined && file.length > limit)
    throw new BudgetError(
      'FW_BUDGET_CHECK_SIZE',
      `TRX does not fit: ${groupDigits(file.length)} of ${groupDigits(limit)} bytes`,
      { data: { what: 'TRX', limit, use: file.length, overBy: file.length - limit } },
    );
  const [offset0 = 0, offset1 = 0, offset2 = 0, offset3 = 0] = offsets;
  const header = { magic, length: end ?? file.length, crc: 0, flags: 0, version, offset0, offset1, offset2 };
  file.set(trxTable.write(header));
  if (version === 2) file.set(fourthOffsetTable.write({ offset3 }), trxTable.size);
  return sealTrx(file, header.length);
}

/** Sets length and checksum of the header at `offset` so that they cover `length` bytes; returns a new file. */
export function sealTrx(bytes: Uint8Array, length: number, offset = 0): Uint8Array {
  const file = Uint8Array.from(bytes);
  const header = { ...trxTable.read(file, offset), length };
  file.set(trxTable.write(header), offset);
  file.set(trxTable.write({ ...header, crc: trxChecksum(file, offset) }), offset);
  return file;
}

/** Computes the checksum of the TRX at `offset`, from its flags to its length. */
function trxChecksum(bytes: Uint8Array, offset = 0): number {
  const header = trxTable.read(bytes, offset);
  const covered = Uint8Array.from(bytes.subarray(offset + 12, offset + header.length));
  if (header.version === 2) {
    // Some bytes of the block that the fourth offset points at are counted as erased.
    const { offset3 } = fourthOffsetTable.read(bytes, offset + trxTable.size);
    if (offset3 > 0) covered.fill(0xff, offset3 + 22 - 12, offset3 + 30 - 12);
  }
  return (crc32(covered) ^ 0xffffffff) >>> 0;
}

/** A TRX read from bytes; `parts` are ranges of the file, in the order of their offsets. */
export interface TrxReading {
  readonly header: TrxHeader;
  readonly headerSize: number;
  /** False also when the file is shorter than the header says. */
  readonly crcOk: boolean;
  readonly parts: readonly { readonly offset: number; readonly size: number }[];
}

/**
 * Reads the TRX that starts at `offset`.
 *
 * @throws FormatError FW_FIRMWARE_MAGIC, FW_FIRMWARE_TRUNCATED, FW_FIRMWARE_FIELD for an impossible version or length
 */
export function readTrx(bytes: Uint8Array, offset = 0, magic = trxMagic): TrxReading {
  const header = trxTable.read(bytes, offset);
  if (header.magic !== magic)
    throw new FormatError('FW_FIRMWARE_MAGIC', `no TRX at 0x${offset.toString(16)}`, {
      data: { structure: 'TRX header', offset, expected: magic, found: header.magic },
    });
  if (header.version !== 1 && header.version !== 2)
    throw new FormatError('FW_FIRMWARE_FIELD', `TRX version ${header.version} at 0x${offset.toString(16)}`, {
      data: { structure: 'TRX header', offset, expected: [1, 2], found: header.version },
    });
  const headerSize = headerSizes[header.version];
  if (header.length < headerSize)
    throw new FormatError('FW_FIRMWARE_FIELD', `TRX length ${header.length} is less than its header`, {
      data: { structure: 'TRX header', offset, expected: headerSize, found: header.length },
    });
  const fourth = header.version === 2 ? fourthOffsetTable.read(bytes, offset + trxTable.size).offset3 : 0;
  const starts = [header.offset0, header.offset1, header.offset2, fourth]
    .filter((start) => start >= headerSize && start < header.length)
    .sort((a, b) => a - b);
  const isWhole = offset + header.length <= bytes.length;
  return {
    header,
    headerSize,
    crcOk: isWhole && trxChecksum(bytes, offset) === header.crc,
    parts: starts.map((start, index) => ({
      offset: offset + start,
      size: (starts[index + 1] ?? header.length) - start,
    })),
  };
}
