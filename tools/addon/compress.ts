/**
 * Compressors that Node lacks or does differently: LZMA, xz, LZO1X, deflate with chosen encoder. Synchronous, over
 * whole buffers; decoders are bounded by a limit, so that hostile input costs no more memory than the caller allows.
 */
import { InternalError } from '../core/index.js';
import { callAddon } from './errors.js';
import { loadAddon } from './load.js';

/** Parameters of LZMA1, as liblzma counts them. */
export interface LzmaOptions {
  /** Bytes, 4096 to 1.5 GiB; decoders clamp it to the size of the output. */
  readonly dictSize: number;
  /** Literal context bits, 0 to 4; `lc + lp` is at most 4. */
  readonly lc: number;
  /** Literal position bits, 0 to 4. */
  readonly lp: number;
  /** Position bits, 0 to 4. */
  readonly pb: number;
}

/** What an LZMA1 encoder needs besides; the defaults are the strongest of liblzma's presets. */
export interface LzmaEncoderOptions extends LzmaOptions {
  readonly mode?: 'fast' | 'normal';
  /** Match length at which the search stops, 2 to 273; other programs call it fast bytes. */
  readonly niceLength?: number;
  readonly matchFinder?: 'hc3' | 'hc4' | 'bt2' | 'bt3' | 'bt4';
  /** Search depth; 0 or absent: chosen by the library from the other figures. */
  readonly depth?: number;
}

/** What a decoder gave. */
export interface Decoded {
  readonly data: Uint8Array;
  /** Bytes of the input that the stream took; what follows them was not looked at. */
  readonly consumed: number;
}

/** What a lenient inflate gave. */
export interface Inflated {
  readonly data: Uint8Array;
  /** True when the end of the stream was met; false at the limit, at a fault, and where input ran out. */
  readonly ended: boolean;
}

/** Pages that were encoded one by one. */
export interface EncodedPages {
  /** The streams, one behind the other. */
  readonly data: Uint8Array;
  /** Where each stream ends; an empty one did not fit into the size of its page. */
  readonly ends: Uint32Array;
  /** Bytes of each page that went in: all, except where the calls of `zlib-within` ran out of room. */
  readonly consumed: Uint32Array;
}

/** How to encode pages: see the function for single buffers of the same kind. */
export type PageEncoder =
  | { readonly kind: 'zlib-within' | 'deflate'; readonly level: number }
  | { readonly kind: 'lzo-best' | 'lzo-fast' }
  | { readonly kind: 'lzma'; readonly options: LzmaEncoderOptions };

/** Wrapping of a deflate stream: none, zlib's (RFC 1950), or gzip's (RFC 1952). */
export type DeflateFormat = 'deflate' | 'zlib' | 'gzip';

type LzmaNumbers = readonly [
  dictSize: number,
  lc: number,
  lp: number,
  pb: number,
  mode: number,
  nice: number,
  mf: number,
  depth: number,
];

interface CompressAddon {
  encodeLzma(
    input: Uint8Array,
    endMarker: number,
    limit: number,
    ...options: LzmaNumbers
  ): Uint8Array | undefined;
  decodeLzma(input: Uint8Array, endMarker: number, size: number, ...options: LzmaNumbers): Decoded;
  decodeLzmaAlone(input: Uint8Array, limit: number): Decoded;
  decodeXz(input: Uint8Array, limit: number, memoryLimit: number): Decoded;
  encodeXz(input: Uint8Array, preset: number): Uint8Array;
  encodeLzo(input: Uint8Array, best: number, limit: number): Uint8Array | undefined;
  decodeLzo(input: Uint8Array, limit: number): Uint8Array;
  encodeDeflate(input: Uint8Array, format: number, level: number, limit: number): Uint8Array | undefined;
  decodeDeflate(input: Uint8Array, format: number, limit: number): Decoded;
  encodeZlibWithin(input: Uint8Array, level: number, limit: number): Decoded | undefined;
  encodePages(
    input: Uint8Array,
    ends: Uint32Array,
    encoder: number,
    level: number,
    ...options: LzmaNumbers
  ): EncodedPages;
  inflatePrefix(input: Uint8Array, windowBits: number, limit: number): Inflated;
}

let loaded: CompressAddon | undefined;
const addon = (): CompressAddon =>
  (loaded ??= loadAddon<CompressAddon>('compress', [
    'encodePages',
    'encodeLzma',
    'decodeLzma',
    'decodeLzmaAlone',
    'decodeXz',
    'encodeXz',
    'encodeLzo',
    'decodeLzo',
    'encodeDeflate',
    'decodeDeflate',
    'encodeZlibWithin',
    'inflatePrefix',
  ]));

/** Numbers of lzma_mode and lzma_match_finder. @see liblzma 5.4 lzma/lzma12.h */
const modeNumbers = { fast: 1, normal: 2 } as const;
const matchFinderNumbers = { hc3: 0x03, hc4: 0x04, bt2: 0x12, bt3: 0x13, bt4: 0x14 } as const;
/** Numbers of PageEncoder. @see native/compress-pages.h */
const pageEncoderNumbers = { 'zlib-within': 0, deflate: 1, 'lzo-best': 2, 'lzo-fast': 3, lzma: 4 } as const;
const deflateFormats = { deflate: 0, zlib: 1, gzip: 2 } as const;

/** Memory that an xz decoder may take: the strongest preset (-9) needs 65 MiB. */
const xzMemoryLimit = 256 * 1024 ** 2;

function lzmaNumbers(options: LzmaEncoderOptions): LzmaNumbers {
  const { lc, lp, pb } = options;
  if (lc < 0 || lp < 0 || pb < 0 || lc + lp > 4 || pb > 4) {
    throw new InternalError(`LZMA takes lc + lp up to 4 and pb up to 4, not lc ${lc} lp ${lp} pb ${pb}`);
  }
  const mode = modeNumbers[options.mode ?? 'normal'];
  const matchFinder = matchFinderNumbers[options.matchFinder ?? 'bt4'];
  return [options.dictSize, lc, lp, pb, mode, options.niceLength ?? 273, matchFinder, options.depth ?? 0];
}

/**
 * Encodes a raw LZMA1 stream: no header, the size is known to the reader, no end marker, range coder flushed whole.
 *
 * @param limit  most bytes to give; absent: no limit
 * @returns undefined when the stream is longer than `limit`
 * @throws NativeError FW_NATIVE_LIBRARY when the library refuses the parameters
 * @see liblzma 5.4 LZMA_FILTER_LZMA1EXT; Linux as patched by OpenWrt, fs/jffs2/compr_lzma.c, takes such streams
 */
export function lzmaRawEncode(
  input: Uint8Array,
  options: LzmaEncoderOptions,
  limit: number = Number.MAX_SAFE_INTEGER,
): Uint8Array | undefined {
  return callAddon(() => addon().encodeLzma(input, 0, limit, ...lzmaNumbers(options)));
}

/**
 * Decodes a raw LZMA1 stream to exactly `size` bytes.
 *
 * @param endMarker  whether the stream may end with an end marker behind the data
 * @throws NativeError FW_NATIVE_DECOMPRESS when the stream is damaged, ends early or goes on
 */
export function lzmaRawDecode(
  input: Uint8Array,
  options: LzmaOptions,
  size: number,
  endMarker: 'refused' | 'allowed' = 'refused',
): Decoded {
  const allowed = endMarker === 'allowed' ? 1 : 0;
  return callAddon(() => addon().decodeLzma(input, allowed, size, ...lzmaNumbers(options)), 'LZMA stream');
}

/**
 * Encodes a `.lzma` file: 13-byte header (properties, dictionary size, size), then the raw stream.
 *
 * @param size  `known`: the size stands in the header and no end marker follows, as the LZMA SDK writes it;
 *   `end-marker`: size -1 and an end marker, as xz writes it
 * @throws NativeError FW_NATIVE_LIBRARY when the library refuses the parameters
 */
export function lzmaAloneEncode(
  input: Uint8Array,
  options: LzmaEncoderOptions,
  size: 'known' | 'end-marker' = 'known',
): Uint8Array {
  const stream = callAddon(() =>
    addon().encodeLzma(input, size === 'known' ? 0 : 1, Number.MAX_SAFE_INTEGER, ...lzmaNumbers(options)),
  );
  if (stream === undefined) throw new InternalError('the LZMA encoder ran out of its own bound');
  const file = new Uint8Array(13 + stream.length);
  const view = new DataView(file.buffer);
  view.setUint8(0, (options.pb * 5 + options.lp) * 9 + options.lc);
  view.setUint32(1, options.dictSize, true);
  view.setBigUint64(5, size === 'known' ? BigInt(input.length) : 0xffff_ffff_ffff_ffffn, true);
  file.set(stream, 13);
  return file;
}

/**
 * Decodes a `.lzma` file, with or without end marker.
 *
 * @throws NativeError FW_NATIVE_DECOMPRESS when it is damaged, FW_NATIVE_DECOMPRESS_LIMIT above `limit` bytes
 */
export function lzmaAloneDecode(input: Uint8Array, limit: number): Decoded {
  return callAddon(() => addon().decodeLzmaAlone(input, limit), 'LZMA file');
}

/**
 * Decodes one `.xz` stream with any filter that liblzma has (BCJ too) and verifies its checks.
 *
 * @throws NativeError FW_NATIVE_DECOMPRESS when it is damaged or asks for more than 256 MiB of memory,
 *   FW_NATIVE_DECOMPRESS_LIMIT above `limit` bytes
 */
export function xzDecode(input: Uint8Array, limit: number): Decoded {
  return callAddon(() => addon().decodeXz(input, limit, xzMemoryLimit), 'xz stream');
}

/**
 * Encodes an `.xz` stream with a preset (0 to 9) and a CRC-32, the check that kernels know.
 *
 * @throws NativeError FW_NATIVE_LIBRARY when the library refuses the preset
 */
export function xzEncode(input: Uint8Array, preset = 6): Uint8Array {
  return callAddon(() => addon().encodeXz(input, preset));
}

/**
 * Encodes LZO1X without header: `fast` is LZO1X-1, the kernel's encoder, `best` is LZO1X-999, that of mkfs.jffs2.
 *
 * @returns undefined when the result is longer than `limit`
 */
export function lzo1xEncode(
  input: Uint8Array,
  encoder: 'fast' | 'best',
  limit: number = Number.MAX_SAFE_INTEGER,
): Uint8Array | undefined {
  return callAddon(() => addon().encodeLzo(input, encoder === 'best' ? 1 : 0, limit));
}

/**
 * Decodes LZO1X; the input must end with the stream.
 *
 * @throws NativeError FW_NATIVE_DECOMPRESS when it is damaged, FW_NATIVE_DECOMPRESS_LIMIT above `limit` bytes
 */
export function lzo1xDecode(input: Uint8Array, limit: number): Uint8Array {
  return callAddon(() => addon().decodeLzo(input, limit), 'LZO stream');
}

/**
 * Encodes deflate with libdeflate, which from level 10 on finds what zlib cannot.
 *
 * @param level  0 (stored) to 12
 * @returns undefined when the result is longer than `limit`
 */
export function deflateEncode(
  input: Uint8Array,
  format: DeflateFormat,
  level: number,
  limit: number = Number.MAX_SAFE_INTEGER,
): Uint8Array | undefined {
  return callAddon(() => addon().encodeDeflate(input, deflateFormats[format], level, limit));
}

/**
 * Decodes one deflate stream with libdeflate; checksums of the wrapping are verified.
 *
 * @throws NativeError FW_NATIVE_DECOMPRESS when it is damaged or ends early, FW_NATIVE_DECOMPRESS_LIMIT above `limit`
 */
export function deflateDecode(input: Uint8Array, format: DeflateFormat, limit: number): Decoded {
  return callAddon(() => addon().decodeDeflate(input, deflateFormats[format], limit), `${format} stream`);
}

/**
 * Encodes as many leading bytes as fit into `limit` as a zlib stream, in exactly the calls that Linux's JFFS2 and
 * mkfs.jffs2 make of zlib (partial flushes, 12 bytes kept for the end), so that the bytes are equal to theirs.
 *
 * @returns the stream and how many bytes went in; undefined when it would not be smaller than them
 * @see Linux 6.6 fs/jffs2/compr_zlib.c; mtd-utils 2.1.5 compr_zlib.c
 */
export function zlibEncodeWithin(input: Uint8Array, limit: number, level = 3): Decoded | undefined {
  return callAddon(() => addon().encodeZlibWithin(input, level, limit));
}

/**
 * Inflates a raw deflate stream up to `limit` bytes or its first fault, and never fails: what came out is given.
 *
 * @param windowBits  8 to 15, from the zlib header
 * @see Linux 6.6 fs/jffs2/compr_zlib.c, which reads so
 */
export function inflatePrefix(input: Uint8Array, limit: number, windowBits = 15): Inflated {
  return callAddon(() => addon().inflatePrefix(input, windowBits, limit));
}

/**
 * Encodes many pages, each a stream of its own in at most the size of the page, on all processors. The bytes do not
 * depend on how many there are.
 *
 * @param input  all pages, one behind the other
 * @param ends  where each page ends in `input`, ascending
 */
export function encodePages(input: Uint8Array, ends: Uint32Array, encoder: PageEncoder): EncodedPages {
  const level = encoder.kind === 'zlib-within' || encoder.kind === 'deflate' ? encoder.level : 0;
  const options = encoder.kind === 'lzma' ? encoder.options : { dictSize: 4096, lc: 0, lp: 0, pb: 0 };
  const number = pageEncoderNumbers[encoder.kind];
  return callAddon(() => addon().encodePages(input, ends, number, level, ...lzmaNumbers(options)));
}
