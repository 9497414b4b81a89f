/**
 * The chunks that OpenWrt's fwtool appends to an image: metadata and signature, each ended by a 16-byte trailer.
 *
 * The trailer's checksum covers every byte of the file before it, so chunks are read backwards from the end.
 *
 * @see SPEC.md "fwtool trailer"; OpenWrt fwtool
 */
import { crc32, FormatError } from '../core/index.js';
import { concatBytes } from './bytes.js';
import { fieldTable, raw, u32be, u8 } from './fields.js';

const magic = 0x46577830;

/** The trailer behind every chunk. */
export const fwtoolTrailerTable = fieldTable('fwtool trailer', 16, {
  magic: u32be(0),
  crc: u32be(4),
  type: u8(8),
  pad: raw(9, 3),
  size: u32be(12),
});

const chunkTypes = { signature: 0, metadata: 1 } as const;
const metadataHeaderSize = 8;
const limits = { signature: 1024, metadata: 30 * 1024 } as const;

/** One chunk found at the end of an image. */
export interface FwtoolChunk {
  readonly type: 'signature' | 'metadata';
  /** Start of the chunk in the file; the chunk runs to `offset + size`, trailer included. */
  readonly offset: number;
  readonly size: number;
  /** Metadata text or signature file, without header and trailer. */
  readonly payload: Uint8Array;
}

/** The content of a metadata chunk, as `append-metadata` writes it. */
export interface ImageMetadata {
  readonly supportedDevices: readonly string[];
  /** `major.minor`. */
  readonly compatVersion: string;
  readonly compatMessage?: string | undefined;
  readonly version: {
    readonly dist: string;
    readonly version: string;
    readonly revision: string;
    readonly target: string;
    readonly board: string;
  };
}

/**
 * Writes metadata as OpenWrt's build does, byte for byte, newline included.
 *
 * With a compat version other than 1.0 the devices move to `new_supported_devices`, and the old key holds a sentence
 * that older systems print when they refuse the image.
 */
export function formatMetadata(metadata: ImageMetadata): string {
  const quote = (value: string): string => JSON.stringify(value);
  const devices = metadata.supportedDevices.map(quote).join(',');
  const isPlain = metadata.compatVersion === '1.0';
  const refusal =
    `${metadata.supportedDevices.join(' ')}: the image has compat version ${metadata.compatVersion}, this system knows ` +
    '1.0 only; upgrade with force and without keeping the configuration, or reinstall' +
    (metadata.compatMessage === undefined ? '' : `. Reason: ${metadata.compatMessage}`);
  const parts = [
    '"metadata_version": "1.1"',
    `"compat_version": ${quote(metadata.compatVersion)}`,
    ...(metadata.compatMessage === undefined ? [] : [`"compat_message": ${quote(metadata.compatMessage)}`]),
    ...(isPlain
      ? [`"supported_devices":[${devices}]`]
      : [`"new_supported_devices":[${devices}]`, `"supported_devices": [${quote(refusal)}]`]),
    `"version": { ${Object.entries(metadata.version)
      .map(([key, value]) => `${quote(key)}: ${quote(value)}`)
      .join(', ')} }`,
  ];
  return `{  ${parts.join(', ')} }\n`;
}

/** Appends a metadata chunk; `text` is JSON with its final newline. */
export function appendMetadata(file: Uint8Array, text: string): Uint8Array {
  return appendChunk(
    file,
    'metadata',
    concatBytes(new Uint8Array(metadataHeaderSize), Buffer.from(text, 'utf8')),
  );
}

/** Appends a signature chunk; `signature` is a usign signature file or a ucert chain. */
export function appendSignature(file: Uint8Array, signature: Uint8Array): Uint8Array {
  return appendChunk(file, 'signature', signature);
}

function appendChunk(file: Uint8Array, type: 'signature' | 'metadata', content: Uint8Array): Uint8Array {
  const size = content.length + fwtoolTrailerTable.size;
  if (content.length > limits[type])
    throw new FormatError(
      'FW_FIRMWARE_FIELD',
      `${type} chunk of ${content.length} bytes, limit ${limits[type]}`,
      {
        data: { structure: 'fwtool trailer', expected: limits[type], found: content.length },
      },
    );
  const covered = concatBytes(file, content);
  const trailer = fwtoolTrailerTable.write({
    magic,
    crc: crcWithoutInversion(covered),
    type: chunkTypes[type],
    pad: new Uint8Array(3),
    size,
  });
  return concatBytes(covered, trailer);
}

/**
 * Reads the chunks at the end of an image, the last one first.
 *
 * Reading stops at the first trailer that is not one: wrong magic, wrong checksum, unknown type or impossible size,
 * as fwtool does.
 */
export function readChunks(file: Uint8Array): FwtoolChunk[] {
  const chunks: FwtoolChunk[] = [];
  let end = file.length;
  for (;;) {
    const chunk = readChunkEndingAt(file, end);
    if (chunk === undefined) return chunks;
    chunks.push(chunk);
    end = chunk.offset;
  }
}

function readChunkEndingAt(file: Uint8Array, end: number): FwtoolChunk | undefined {
  const trailerOffset = end - fwtoolTrailerTable.size;
  if (trailerOffset < 0) return undefined;
  const trailer = fwtoolTrailerTable.read(file, trailerOffset);
  if (trailer.magic !== magic || trailer.size < fwtoolTrailerTable.size || trailer.size > end)
    return undefined;
  const type =
    trailer.type === chunkTypes.metadata
      ? 'metadata'
      : trailer.type === chunkTypes.signature
        ? 'signature'
        : undefined;
  if (type === undefined || trailer.size - fwtoolTrailerTable.size > limits[type]) return undefined;
  if (crcWithoutInversion(file.subarray(0, trailerOffset)) !== trailer.crc) return undefined;
  const offset = end - trailer.size;
  const start = type === 'metadata' ? offset + metadataHeaderSize : offset;
  if (start > trailerOffset) return undefined;
  return { type, offset, size: trailer.size, payload: file.slice(start, trailerOffset) };
}

/** CRC-32 with the initial but not the final inversion. */
function crcWithoutInversion(bytes: Uint8Array): number {
  return (crc32(bytes) ^ 0xffffffff) >>> 0;
}
