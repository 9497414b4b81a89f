/** Compressors that remember: an emulated device writes the same files at every boot, and hundreds of boots make a check. */
import { crc32Raw } from '../../core/index.js';
import type { Encoded } from './rtime.js';
import type { Compression, Compressor } from './compression.js';

/** Inputs kept for one compressor; at a page each, 8 MiB. */
const KEPT = 2048;

interface Remembered {
  readonly input: Uint8Array;
  readonly limit: number;
  readonly encoded: Encoded | undefined;
}

/** Gives the same compression, which looks up what it compressed before. The bytes are the same. */
export function remembering({ mode, compressors }: Compression): Compression {
  return { mode, compressors: compressors.map(rememberingCompressor) };
}

function rememberingCompressor(compressor: Compressor): Compressor {
  const known = new Map<number, Remembered>();
  return {
    ...compressor,
    encode: (input, limit) => {
      const key = crc32Raw(input);
      const found = known.get(key);
      if (found?.limit === limit && Buffer.compare(found.input, input) === 0) return found.encoded;
      const encoded = compressor.encode(input, limit);
      if (known.size >= KEPT) known.clear();
      known.set(key, { input: input.slice(), limit, encoded });
      return encoded;
    },
  };
}
