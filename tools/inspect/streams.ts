/** Recognisers of compressed streams and plain files; a stream is decoded to find its end and to verify it. */
import { deflateDecode, lzmaAloneDecode, xzDecode } from '../addon/index.js';
import { FormatError, NativeError } from '../core/index.js';
import { readLzmaAlone, startsWith } from '../firmware/index.js';
import type { Recogniser } from './input.js';
import { makePart } from './part.js';
import type { Part, PartKind } from './part.js';

/** Most bytes a stream may unpack to; larger ones are named without being verified. */
const decodedLimit = 64 * 1024 ** 2;

type Decode = (input: Uint8Array, limit: number) => { readonly data: Uint8Array; readonly consumed: number };

function streamPart(
  kind: PartKind,
  title: string,
  bytes: Uint8Array,
  decode: Decode,
  [offset, end, isWanted]: readonly [number, number, boolean],
  details: Part['details'] = {},
): Part {
  const rest = bytes.slice(offset, end);
  const decoded = isWanted ? tryDecode(decode, rest) : undefined;
  return makePart(kind, title, offset, decoded?.consumed ?? end - offset, {
    details: { ...details, ...(decoded ? { decodedSize: decoded.data.length } : {}) },
    checks: isWanted ? [{ name: 'stream', ok: decoded !== undefined }] : [],
  });
}

function tryDecode(decode: Decode, bytes: Uint8Array): ReturnType<Decode> | undefined {
  try {
    return decode(bytes, decodedLimit);
  } catch (error) {
    if (error instanceof NativeError || error instanceof FormatError) return undefined;
    throw error;
  }
}

export const lzmaPart: Recogniser = ({ bytes, decode }, offset, end) => {
  const header = readLzmaAlone(bytes.subarray(0, end), offset);
  if (header === undefined) return undefined;
  const { lc, lp, pb, dictionarySize, size } = header;
  const title = `LZMA stream, lc${lc} lp${lp} pb${pb}`;
  const details = { dictionarySize, ...(size === undefined ? {} : { declaredSize: size }) };
  return streamPart('lzma', title, bytes, lzmaAloneDecode, [offset, end, decode], details);
};

export const gzipPart: Recogniser = ({ bytes, decode }, offset, end) => {
  if (!startsWith(bytes, Uint8Array.of(0x1f, 0x8b, 8), offset) || ((bytes[offset + 3] ?? 0xff) & 0xe0) !== 0)
    return undefined;
  const gunzip: Decode = (input, limit) => deflateDecode(input, 'gzip', limit);
  return streamPart('gzip', 'gzip stream', bytes, gunzip, [offset, end, decode]);
};

export const xzPart: Recogniser = ({ bytes, decode }, offset, end) =>
  startsWith(bytes, Buffer.from('fd377a585a00', 'hex'), offset)
    ? streamPart('xz', 'xz stream', bytes, xzDecode, [offset, end, decode])
    : undefined;

export const elfPart: Recogniser = ({ bytes }, offset, end) => {
  if (!startsWith(bytes, Buffer.from('7f454c46', 'hex'), offset)) return undefined;
  const [bits, order] = [bytes[offset + 4] === 2 ? 64 : 32, bytes[offset + 5] === 2 ? 'big' : 'little'];
  return makePart('elf', `ELF ${bits}-bit ${order}-endian`, offset, end - offset, {
    details: { bits, endian: order },
  });
};

export const tarPart: Recogniser = ({ bytes }, offset, end) =>
  startsWith(bytes, Buffer.from('ustar'), offset + 257)
    ? makePart('tar', 'tar archive', offset, end - offset)
    : undefined;

export const zipPart: Recogniser = ({ bytes }, offset, end) =>
  startsWith(bytes, Buffer.from('504b0304', 'hex'), offset)
    ? makePart('zip', 'zip archive', offset, end - offset)
    : undefined;

export const bgnPart: Recogniser = ({ bytes }, offset, end) =>
  startsWith(bytes, Buffer.from('bgn\0'), offset)
    ? makePart('buffalo-bgn', 'Buffalo encrypted image', offset, end - offset)
    : undefined;
