/**
 * The compressors of JFFS2: which exist, how each encodes and decodes one node, and which a kernel can read.
 *
 * zlib exists in two qualities: `zlib` makes the very calls of Linux and mkfs.jffs2, `deflate` finds shorter streams of
 * the same format. Decoders follow the drivers, also in what they let pass.
 */
import {
  deflateEncode,
  inflatePrefix,
  lzmaRawDecode,
  lzmaRawEncode,
  lzo1xDecode,
  lzo1xEncode,
  zlibEncodeWithin,
} from '../../addon/index.js';
import type { PageEncoder } from '../../addon/index.js';
import { NativeError } from '../../core/index.js';
import { rtimeDecode, rtimeEncode } from './rtime.js';
import type { Encoded } from './rtime.js';
import { comprNumbers } from '../node/layout.js';

/** Names of the encoders; `deflate` gives zlib streams, `lzo-fast` is the kernel's own LZO encoder. */
export type CompressorName = 'rtime' | 'zlib' | 'deflate' | 'lzo' | 'lzo-fast' | 'lzma';

/** One way to make the stored data of a node. */
export interface Compressor {
  readonly name: CompressorName;
  /** Number for the `compr` field. */
  readonly compr: number;
  /**
   * Encodes the start of `input`, all of it where it can, into at most `limit` bytes.
   *
   * @returns undefined when that fails or would gain nothing
   */
  encode(input: Uint8Array, limit: number): Encoded | undefined;
  /** The same encoder of the addon for many whole pages; absent where the encoder is ours. */
  readonly pages?: PageEncoder;
}

/** Parameters that OpenWrt's driver has built in; the stream carries no header. */
const lzmaParameters = { dictSize: 0x2000, lc: 0, lp: 0, pb: 0 } as const;
const lzmaEncoder = {
  ...lzmaParameters,
  mode: 'normal',
  niceLength: 273,
  matchFinder: 'bt4',
  depth: 152,
} as const;

/** The effort of libdeflate: above this, time grows much faster than streams shrink. */
const DEFLATE_LEVEL = 10;
/** The level of Linux and mkfs.jffs2. */
const ZLIB_LEVEL = 3;

/** Makes an encoder that takes all of the input or nothing. */
function wholeInput(
  name: CompressorName,
  compr: number,
  pages: PageEncoder,
  encode: (input: Uint8Array, limit: number) => Uint8Array | undefined,
): Compressor {
  return {
    name,
    compr,
    pages,
    encode: (input, limit) => {
      const data = encode(input, limit);
      return data && { data, consumed: input.length };
    },
  };
}

const { lzo, lzma } = comprNumbers;

/** All encoders by name. */
export const compressors: Readonly<Record<CompressorName, Compressor>> = {
  rtime: { name: 'rtime', compr: comprNumbers.rtime, encode: rtimeEncode },
  zlib: {
    name: 'zlib',
    compr: comprNumbers.zlib,
    pages: { kind: 'zlib-within', level: ZLIB_LEVEL },
    encode: (input, limit) => zlibEncodeWithin(input, limit, ZLIB_LEVEL),
  },
  deflate: wholeInput(
    'deflate',
    comprNumbers.zlib,
    { kind: 'deflate', level: DEFLATE_LEVEL },
    (input, limit) => deflateEncode(input, 'zlib', DEFLATE_LEVEL, limit),
  ),
  lzo: wholeInput('lzo', lzo, { kind: 'lzo-best' }, (input, limit) => lzo1xEncode(input, 'best', limit)),
  'lzo-fast': wholeInput('lzo-fast', lzo, { kind: 'lzo-fast' }, (input, limit) =>
    lzo1xEncode(input, 'fast', limit),
  ),
  lzma: wholeInput('lzma', lzma, { kind: 'lzma', options: lzmaEncoder }, (input, limit) =>
    lzmaRawEncode(input, lzmaEncoder, limit),
  ),
};

/** How to choose among compressors, as in the `-m` option of mkfs.jffs2 and the build options of Linux. */
export type CompressionMode = 'none' | 'priority' | 'size' | 'favourlzo';

/** Compressors in order of priority, and how to choose. */
export interface Compression {
  readonly mode: CompressionMode;
  readonly compressors: readonly Compressor[];
}

/** What a target's kernel or boot loader can read, written as small as it goes. */
export type CompressionProfile = 'linux' | 'openwrt' | 'cfe';

/**
 * The sets per target: `linux` a kernel with its default options; `openwrt` the stock OpenWrt kernel, which lacks
 * zlib and has lzma; `cfe` the Broadcom boot loader, which decompresses nothing.
 */
export const compressionProfiles: Readonly<Record<CompressionProfile, Compression>> = {
  linux: { mode: 'size', compressors: [compressors.deflate, compressors.rtime] },
  openwrt: { mode: 'size', compressors: [compressors.lzma, compressors.rtime] },
  cfe: { mode: 'none', compressors: [] },
};

/** Stored data of a node. */
export interface StoredData extends Encoded {
  readonly compr: number;
}

/**
 * Makes the stored data for the start of `input`, in at most `limit` bytes (at least 1).
 *
 * Chooses as Linux and mkfs.jffs2 do; what does not compress is stored as it is, cut at `limit`.
 */
export function compress(input: Uint8Array, limit: number, compression: Compression): StoredData {
  let best: StoredData | undefined;
  for (const compressor of compression.mode === 'none' ? [] : compression.compressors) {
    const encoded = compressor.encode(input, limit);
    if (!encoded) continue;
    const candidate = { compr: compressor.compr, ...encoded };
    if (compression.mode === 'priority') return candidate;
    if (encoded.data.length < encoded.consumed && (!best || isBetter(candidate, best, compression.mode))) {
      best = candidate;
    }
  }
  return best ?? storedAsIs(input, limit);
}

/** Stores the start of `input` without compression. */
export function storedAsIs(input: Uint8Array, limit: number): StoredData {
  const data = input.subarray(0, Math.min(limit, input.length));
  return { compr: comprNumbers.none, data, consumed: data.length };
}

/** Share of its rival's size below which another compressor is taken instead of lzo. */
const FAVOUR_LZO_PERCENT = 80;

/** Tells whether stored data are to be taken instead of the best so far, as mkfs.jffs2 and Linux decide. */
export function isBetter(candidate: StoredData, best: StoredData, mode: CompressionMode): boolean {
  const size = candidate.data.length;
  const bestSize = best.data.length;
  if (mode !== 'favourlzo') return size < bestSize;
  const share = (of: number): number => Math.floor((of * FAVOUR_LZO_PERCENT) / 100);
  const candidateIsLzo = candidate.compr === comprNumbers.lzo;
  if (bestSize > size && (candidateIsLzo || best.compr !== comprNumbers.lzo)) return true;
  return (candidateIsLzo && bestSize > share(size)) || share(bestSize) > size;
}

/** Largest `dsize` that is believed: nodes of real writers hold a page, at most an erase block. */
export const DSIZE_MAX = 1 << 20;

/** Content of a node, or why there is none. */
export type Decompressed =
  | {
      readonly kind: 'data';
      readonly data: Uint8Array;
      /** True when a zlib stream ended early or broke; Linux passes what it has, with zeros behind. */
      readonly damaged: boolean;
    }
  | { readonly kind: 'fault'; readonly reason: 'damaged' | 'unsupported'; readonly compressor: string };

/** Returns the name of a compressor for people: as in `comprNumbers`, or its number. */
export function comprName(compr: number): string {
  for (const [name, number] of Object.entries(comprNumbers)) if (number === compr) return name;
  return `compressor ${compr}`;
}

/** Decompresses the stored data of a node to exactly `dsize` bytes. */
export function decompress(compr: number, stored: Uint8Array, dsize: number): Decompressed {
  const damaged = { kind: 'fault', reason: 'damaged', compressor: comprName(compr) } as const;
  if (compr === comprNumbers.zero) {
    return dsize > DSIZE_MAX ? damaged : { kind: 'data', data: new Uint8Array(dsize), damaged: false };
  }
  if (dsize > Math.max(DSIZE_MAX, stored.length)) return damaged;
  switch (compr) {
    case comprNumbers.none:
      return stored.length === dsize ? { kind: 'data', data: stored, damaged: false } : damaged;
    case comprNumbers.zlib:
      return inflate(stored, dsize);
    case comprNumbers.rtime:
    case comprNumbers.lzo:
    case comprNumbers.lzma: {
      const data = decodeExactly(compr, stored, dsize);
      return data?.length === dsize ? { kind: 'data', data, damaged: false } : damaged;
    }
    default:
      return { kind: 'fault', reason: 'unsupported', compressor: comprName(compr) };
  }
}

function decodeExactly(compr: number, stored: Uint8Array, dsize: number): Uint8Array | undefined {
  if (compr === comprNumbers.rtime) return rtimeDecode(stored, dsize);
  try {
    return compr === comprNumbers.lzo
      ? lzo1xDecode(stored, dsize)
      : lzmaRawDecode(stored, lzmaParameters, dsize).data;
  } catch (error) {
    if (error instanceof NativeError) return undefined;
    throw error;
  }
}

/** Inflates as Linux does: window size from the header, no checksum, zeros behind what could be read. */
function inflate(stored: Uint8Array, dsize: number): Decompressed {
  const [cmf = 0, flg = 0] = stored;
  const windowBits = (cmf >> 4) + 8;
  const usable = cmf % 16 === 8 && windowBits <= 15 && (flg & 0x20) === 0 && (cmf * 256 + flg) % 31 === 0;
  const prefix = usable ? inflatePrefix(stored.subarray(2), dsize, windowBits).data : new Uint8Array();
  if (prefix.length === dsize) return { kind: 'data', data: prefix, damaged: false };
  const data = new Uint8Array(dsize);
  data.set(prefix);
  return { kind: 'data', data, damaged: true };
}
