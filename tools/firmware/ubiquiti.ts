/**
 * The Ubiquiti container: header, one PART record per partition, END record; CRC-32 over each.
 *
 * @see SPEC.md "Ubiquiti"; OpenWrt firmware-utils src/mkfwimage.c; figures checked against published ath25 images
 */
import { BudgetError, crc32, FormatError, groupDigits, roundUp } from '../core/index.js';
import { concatBytes, startsWith, wordBe } from './bytes.js';
import { fieldTable, raw, text, u32be } from './fields.js';

/** First record: magic and version text; its checksum covers the 260 bytes before it. */
export const ubiquitiHeaderTable = fieldTable('Ubiquiti header', 268, {
  magic: text(0, 4),
  version: text(4, 256),
  crc: u32be(260),
  pad: u32be(264),
});

/** Head of a partition record; data, checksum (over head and data) and four zero bytes follow. */
export const ubiquitiPartTable = fieldTable('Ubiquiti PART record', 56, {
  magic: text(0, 4),
  name: text(4, 16),
  pad: raw(20, 12),
  memoryAddress: u32be(32),
  index: u32be(36),
  flashAddress: u32be(40),
  entry: u32be(44),
  dataSize: u32be(48),
  partitionSize: u32be(52),
});

/** Last record; its checksum covers everything before the record. */
export const ubiquitiEndTable = fieldTable('Ubiquiti END record', 12, {
  magic: text(0, 4),
  crc: u32be(4),
  pad: u32be(8),
});

const tailSize = 8;

/** Where a board's boot loader expects the firmware. */
interface UbiquitiLayout {
  readonly flashAddress: number;
  readonly entry: number;
  /** Most bytes of kernel and root together. */
  readonly length: number;
}

const layout = (flashAddress: number, entry: number, length: number): UbiquitiLayout => ({
  flashAddress,
  entry,
  length,
});

const layouts: Readonly<Record<string, UbiquitiLayout>> = {
  XS2: layout(0xbfc30000, 0x80041000, 0x390000),
  XS5: layout(0xbe030000, 0x80041000, 0x390000),
  'XS2-8': layout(0xa8030000, 0x80041000, 0x6c0000),
  XM: layout(0x9f050000, 0x80002000, 0x760000),
};

/** What a caller chooses. */
export interface UbiquitiImage {
  /** `OPEN` for open firmware. */
  readonly magic: string;
  readonly version: string;
  /** `XS2`, `XS5`, `XS2-8` or `XM`. */
  readonly board: string;
  readonly kernel: Uint8Array;
  readonly rootfs: Uint8Array;
}

/**
 * Builds a container of a kernel and a rootfs part.
 *
 * @throws FormatError FW_FIRMWARE_STEP for an unknown board; BudgetError FW_BUDGET_CHECK_SIZE when the parts are larger
 *   than its flash
 */
export function buildUbiquiti(image: UbiquitiImage): Uint8Array {
  const flash = layouts[image.board];
  if (flash === undefined)
    throw new FormatError('FW_FIRMWARE_STEP', `unknown Ubiquiti board ${image.board}`, {
      hint: `known boards: ${Object.keys(layouts).join(', ')}`,
      data: { expected: Object.keys(layouts), found: image.board },
    });
  const kernelRoom = roundUp(image.kernel.length, 0x10000);
  const use = kernelRoom + image.rootfs.length;
  if (use > flash.length)
    throw new BudgetError(
      'FW_BUDGET_CHECK_SIZE',
      `kernel and rootfs do not fit the layout of ${image.board}: ${groupDigits(use)} of ${groupDigits(flash.length)} bytes, ${groupDigits(use - flash.length)} over`,
      { data: { limit: flash.length, use, overBy: use - flash.length } },
    );
  const head = { magic: image.magic, version: image.version, crc: 0, pad: 0 };
  const headerCrc = crc32(ubiquitiHeaderTable.write(head).subarray(0, 260));
  const records = concatBytes(
    ubiquitiHeaderTable.write({ ...head, crc: headerCrc }),
    part({
      name: 'kernel',
      index: 1,
      memoryAddress: flash.entry,
      entry: flash.entry,
      flashAddress: flash.flashAddress,
      data: image.kernel,
      partitionSize: kernelRoom,
    }),
    part({
      name: 'rootfs',
      index: 2,
      memoryAddress: 0,
      entry: 0,
      flashAddress: flash.flashAddress + kernelRoom,
      data: image.rootfs,
      partitionSize: flash.length - kernelRoom,
    }),
  );
  return concatBytes(records, ubiquitiEndTable.write({ magic: 'END.', crc: crc32(records), pad: 0 }));
}

function part(options: {
  readonly name: string;
  readonly index: number;
  readonly memoryAddress: number;
  readonly entry: number;
  readonly flashAddress: number;
  readonly data: Uint8Array;
  readonly partitionSize: number;
}): Uint8Array {
  const { data, ...fields } = options;
  const covered = concatBytes(
    ubiquitiPartTable.write({ ...fields, magic: 'PART', pad: new Uint8Array(12), dataSize: data.length }),
    data,
  );
  const tail = new Uint8Array(tailSize);
  new DataView(tail.buffer).setUint32(0, crc32(covered));
  return concatBytes(covered, tail);
}

/** One partition of a container; `offset` is that of its data in the file. */
export interface UbiquitiPart {
  readonly name: string;
  readonly recordOffset: number;
  readonly offset: number;
  readonly size: number;
  readonly flashAddress: number;
  readonly partitionSize: number;
  readonly crcOk: boolean;
}

/** A container read from bytes, every checksum verified. */
export interface UbiquitiReading {
  readonly magic: string;
  readonly version: string;
  readonly headerCrcOk: boolean;
  readonly parts: readonly UbiquitiPart[];
  /** Undefined when no END record follows the parts. */
  readonly end?: { readonly offset: number; readonly magic: string; readonly crcOk: boolean };
}

/** Says whether a container starts at `offset`. */
export function isUbiquiti(bytes: Uint8Array, offset = 0): boolean {
  return (
    ['OPEN', 'UBNT', 'GEOS'].some((magic) => startsWith(bytes, Buffer.from(magic), offset)) &&
    startsWith(bytes, Buffer.from('PART'), offset + ubiquitiHeaderTable.size)
  );
}

/**
 * Reads the container that starts at `offset`.
 *
 * @throws FormatError FW_FIRMWARE_MAGIC when none starts there, FW_FIRMWARE_TRUNCATED when a part runs past the end
 */
export function readUbiquiti(bytes: Uint8Array, offset = 0): UbiquitiReading {
  if (!isUbiquiti(bytes, offset))
    throw new FormatError('FW_FIRMWARE_MAGIC', `no Ubiquiti container at 0x${offset.toString(16)}`, {
      data: { structure: 'Ubiquiti header', offset },
    });
  const header = ubiquitiHeaderTable.read(bytes, offset);
  const headerCrcOk = crc32(bytes.subarray(offset, offset + 260)) === header.crc;
  const parts: UbiquitiPart[] = [];
  let at = offset + ubiquitiHeaderTable.size;
  while (startsWith(bytes, Buffer.from('PART'), at)) {
    const record = ubiquitiPartTable.read(bytes, at);
    const dataOffset = at + ubiquitiPartTable.size;
    const end = dataOffset + record.dataSize;
    const crc = wordBe(bytes, end);
    if (crc === undefined)
      throw new FormatError('FW_FIRMWARE_TRUNCATED', `part ${record.name} runs past the end of the file`, {
        data: {
          structure: 'Ubiquiti PART record',
          offset: at,
          expected: record.dataSize,
          found: bytes.length - dataOffset,
        },
      });
    parts.push({
      name: record.name,
      recordOffset: at,
      offset: dataOffset,
      size: record.dataSize,
      flashAddress: record.flashAddress,
      partitionSize: record.partitionSize,
      crcOk: crc32(bytes.subarray(at, end)) === crc,
    });
    at = end + tailSize;
  }
  const base = { magic: header.magic, version: header.version, headerCrcOk, parts };
  if (!startsWith(bytes, Buffer.from('END'), at) || at + ubiquitiEndTable.size > bytes.length) return base;
  const end = ubiquitiEndTable.read(bytes, at);
  return {
    ...base,
    end: { offset: at, magic: end.magic, crcOk: crc32(bytes.subarray(offset, at)) === end.crc },
  };
}
