/**
 * Where a copied-up object came from: the handle that Linux stores in `trusted.overlay.origin`, and the name of an
 * index entry made from it (union-semantics 83, 87).
 *
 * Bytes: version 0, magic 0xfb, length, flags, handle type 1 (inode and generation, 32 bits each), 16 bytes of file
 * system identity, the handle. Written little-endian.
 *
 * @see Linux 6.6 fs/overlayfs/overlayfs.h, struct ovl_fb; include/linux/exportfs.h, FILEID_INO32_GEN
 */
import { byteString } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { Ino } from '../vfs/index.js';
import type { Layer, Part } from './layers.js';

const magic = 0xfb;
const headerSize = 21;
const handleSize = headerSize + 8;
const bigEndianFlag = 1;
/** Either byte order, none in particular, and a path in the upper. */
const knownFlags = 7;
const inodeAndGeneration = 1;

/** Encodes the handle of a lower object; undefined when its number does not fit. */
export function encodeOrigin({ layer, ino }: Pick<Part, 'layer' | 'ino'>): Uint8Array | undefined {
  if (ino > 0xffff_ffff) return undefined;
  const bytes = new Uint8Array(handleSize);
  bytes.set([0, magic, handleSize, 0, inodeAndGeneration]);
  bytes.set(layer.uuid, 5);
  new DataView(bytes.buffer).setUint32(headerSize, ino, true);
  return bytes;
}

/** Decodes a handle: which lower, which object; undefined when unknown (allowed, it only costs the number). */
export function decodeOrigin(
  bytes: Uint8Array,
  lowers: readonly Layer[],
): { layer: Layer; ino: Ino } | undefined {
  if (bytes.length < handleSize || bytes[0] !== 0 || bytes[1] !== magic || bytes[4] !== inodeAndGeneration) {
    return undefined;
  }
  const uuid = bytes.subarray(5, headerSize);
  const layer = lowers.find((lower) => Buffer.compare(lower.uuid, uuid) === 0);
  const little = ((bytes[3] ?? 0) & bigEndianFlag) === 0;
  const ino = new DataView(bytes.buffer, bytes.byteOffset).getUint32(headerSize, little);
  return layer && { layer, ino };
}

/** Tells whether a handle is of the version that is known here, whatever lower it belongs to. */
export function isKnownHandle(bytes: Uint8Array): boolean {
  const [version, found, length, flags = 0] = bytes;
  return version === 0 && found === magic && length === bytes.length && (flags & ~knownFlags) === 0;
}

/** The handle in the name of an index entry; undefined when the name is none. */
export function handleNamed(name: ByteString): Uint8Array | undefined {
  return /^([0-9a-f]{2})+$/.test(name) ? Buffer.from(name, 'hex') : undefined;
}

/** Name of the index entry of a lower object. */
export function indexName(origin: Uint8Array): ByteString {
  return byteString(Buffer.from(Buffer.from(origin).toString('hex'), 'latin1'));
}
