/**
 * Netgear CHK: header with board id and three checksums of Netgear's own kind.
 *
 * @see SPEC.md "Netgear CHK"; OpenWrt firmware-utils src/mkchkimg.c
 */
import { FormatError } from '../core/index.js';
import { concatBytes } from './bytes.js';
import { fieldTable, raw, u32be, u8 } from './fields.js';
import type { FieldValues } from './fields.js';

/** The header; the board id follows, without an end mark. */
export const chkTable = fieldTable('CHK header', 40, {
  magic: u32be(0),
  headerLength: u32be(4),
  region: u8(8),
  version: raw(9, 7),
  kernelChecksum: u32be(16),
  rootfsChecksum: u32be(20),
  kernelLength: u32be(24),
  rootfsLength: u32be(28),
  imageChecksum: u32be(32),
  headerChecksum: u32be(36),
});

/** Every field of a CHK header. */
export type ChkHeader = FieldValues<typeof chkTable.fields>;

/** First word of a CHK file. */
const chkMagic = 0x2a23245e;
const boardIdLimit = 64;

/** Computes Netgear's checksum: two running sums, each folded to 16 bits. */
export function chkChecksum(...parts: readonly Uint8Array[]): number {
  let [low, high] = [0, 0];
  for (const part of parts)
    for (const byte of part) {
      low = (low + byte) >>> 0;
      high = (high + low) >>> 0;
    }
  return ((fold(high) << 16) | fold(low)) >>> 0;
}

function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return ((once & 0xffff) + (once >>> 16)) & 0xffff;
}

/** Builds a CHK file of one part (OpenWrt's form) or of kernel and rootfs. */
export function buildChk(
  identity: { readonly boardId: string; readonly region: number },
  kernel: Uint8Array,
  rootfs: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const boardId = Buffer.from(identity.boardId, 'latin1');
  if (boardId.length > boardIdLimit)
    throw new FormatError('FW_FIRMWARE_FIELD', `board id of ${boardId.length} bytes, limit ${boardIdLimit}`, {
      data: { structure: 'CHK header', expected: boardIdLimit, found: boardId.length },
    });
  return concatBytes(
    sealChkHeader(
      {
        magic: chkMagic,
        headerLength: chkTable.size + boardId.length,
        region: identity.region,
        version: new Uint8Array(7).fill(0x63),
        kernelChecksum: chkChecksum(kernel),
        rootfsChecksum: rootfs.length > 0 ? chkChecksum(rootfs) : 0,
        kernelLength: kernel.length,
        rootfsLength: rootfs.length,
        imageChecksum: chkChecksum(kernel, rootfs),
        headerChecksum: 0,
      },
      boardId,
    ),
    kernel,
    rootfs,
  );
}

function sealChkHeader(header: ChkHeader, boardId: Uint8Array): Uint8Array {
  const blank = concatBytes(chkTable.write({ ...header, headerChecksum: 0 }), boardId);
  return concatBytes(chkTable.write({ ...header, headerChecksum: chkChecksum(blank) }), boardId);
}

/**
 * Reads a CHK file that starts at `offset`, every checksum verified.
 *
 * @throws FormatError FW_FIRMWARE_MAGIC, FW_FIRMWARE_TRUNCATED, FW_FIRMWARE_FIELD for an impossible header length
 */
export function readChk(
  bytes: Uint8Array,
  offset = 0,
): {
  readonly header: ChkHeader;
  readonly boardId: string;
  readonly headerOk: boolean;
  readonly kernelOk: boolean;
  readonly imageOk: boolean;
} {
  const header = chkTable.read(bytes, offset);
  if (header.magic !== chkMagic)
    throw new FormatError('FW_FIRMWARE_MAGIC', `no CHK header at 0x${offset.toString(16)}`, {
      data: { structure: 'CHK header', offset, expected: chkMagic, found: header.magic },
    });
  const { headerLength } = header;
  if (headerLength < chkTable.size || headerLength > chkTable.size + boardIdLimit)
    throw new FormatError('FW_FIRMWARE_FIELD', `CHK header length ${headerLength}`, {
      data: { structure: 'CHK header', offset, expected: chkTable.size, found: headerLength },
    });
  const boardId = bytes.slice(offset + chkTable.size, offset + headerLength);
  const kernelStart = offset + headerLength;
  const kernel = bytes.subarray(kernelStart, kernelStart + header.kernelLength);
  const rootfs = bytes.subarray(
    kernelStart + header.kernelLength,
    kernelStart + header.kernelLength + header.rootfsLength,
  );
  const isWhole = kernel.length === header.kernelLength && rootfs.length === header.rootfsLength;
  const blank = concatBytes(chkTable.write({ ...header, headerChecksum: 0 }), boardId);
  return {
    header,
    boardId: Buffer.from(boardId).toString('latin1'),
    headerOk: chkChecksum(blank) === header.headerChecksum,
    kernelOk: isWhole && chkChecksum(kernel) === header.kernelChecksum,
    imageOk: isWhole && chkChecksum(kernel, rootfs) === header.imageChecksum,
  };
}
