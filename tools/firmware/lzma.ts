/**
 * The header of LZMA-alone files: 13 bytes in front of a raw LZMA stream, and no magic.
 *
 * @see SPEC.md "LZMA-alone"; LZMA SDK lzma.txt
 */
import { fieldTable, raw, u32le, u8 } from './fields.js';

/** The header; the size is 64 bits, all ones when the stream ends by a marker instead. */
const lzmaAloneTable = fieldTable('LZMA-alone header', 13, {
  properties: u8(0),
  dictionarySize: u32le(1),
  sizeBytes: raw(5, 8),
});

/** What an LZMA-alone header says. */
export interface LzmaAloneHeader {
  readonly lc: number;
  readonly lp: number;
  readonly pb: number;
  readonly dictionarySize: number;
  /** Undefined when the stream ends by a marker. */
  readonly size: number | undefined;
}

/** Largest size that is taken for real: kernels of boards with NOR flash stay far below. */
const sizeLimit = 256 * 1024 ** 2;

/**
 * Reads an LZMA-alone header; undefined when the bytes cannot be one.
 *
 * Like the kernel's splitter it asks for legal properties, a dictionary that is a power of two from 4 KiB, and a size
 * below 4 GiB; beyond that it asks for a plausible size and for the zero byte that every range coder starts with.
 */
export function readLzmaAlone(bytes: Uint8Array, offset = 0): LzmaAloneHeader | undefined {
  if (offset < 0 || offset + lzmaAloneTable.size + 5 > bytes.length) return undefined;
  const { properties, dictionarySize, sizeBytes } = lzmaAloneTable.read(bytes, offset);
  if (properties >= 225 || bytes[offset + lzmaAloneTable.size] !== 0) return undefined;
  if (dictionarySize < 4096 || (dictionarySize & (dictionarySize - 1)) !== 0) return undefined;
  const endsByMarker = sizeBytes.every((byte) => byte === 0xff);
  const size = new DataView(sizeBytes.buffer).getBigUint64(0, true);
  if (!endsByMarker && (size === 0n || size > BigInt(sizeLimit))) return undefined;
  const lc = properties % 9;
  const rest = Math.floor(properties / 9);
  return {
    lc,
    lp: rest % 5,
    pb: Math.floor(rest / 5),
    dictionarySize,
    size: endsByMarker ? undefined : Number(size),
  };
}
