/** How a mount compresses what it writes and decompresses what it reads. */
import { comprNumbers } from './node-layout.js';

/** Data as it will be stored. */
export interface StoredData {
  readonly compr: number;
  readonly data: Uint8Array;
  /** How much of the input it holds. */
  readonly consumed: number;
}

/** The compressors of a mount. */
export interface DataCodec {
  /** Compresses the start of `data` (at most one page) into at most `room` bytes; undefined when that does not pay. */
  compress(data: Uint8Array, room: number): StoredData | undefined;
  /** Gives `size` bytes; undefined for a compressor that is not there, or for damaged data. */
  decompress(compr: number, data: Uint8Array, size: number): Uint8Array | undefined;
}

/** Stores everything as it is and reads nothing else: mount option `compr=none`. */
export const storeOnly: DataCodec = {
  compress: () => undefined,
  decompress: () => undefined,
};

/** Compresses, or stores what fits. */
export function packData(codec: DataCodec, data: Uint8Array, room: number): StoredData {
  const stored = codec.compress(data, Math.min(room, data.length));
  if (stored) return stored;
  const consumed = Math.min(room, data.length);
  return { compr: comprNumbers.none, data: data.subarray(0, consumed), consumed };
}

/** Unpacks the data of a node; undefined when that cannot be done. */
export function unpackData(
  codec: DataCodec,
  compr: number,
  data: Uint8Array,
  size: number,
): Uint8Array | undefined {
  if (compr === comprNumbers.none) return data.length >= size ? data.subarray(0, size) : undefined;
  if (compr === comprNumbers.zero) return new Uint8Array(size);
  return codec.decompress(compr, data, size);
}
