/** Compresses many whole pages in one call of the addon, which shares them out to all processors. */
import { encodePages } from '../../addon/index.js';
import { isBetter, storedAsIs } from './compression.js';
import type { Encoded } from './rtime.js';
import type { Compression, Compressor, StoredData } from './compression.js';

/**
 * Makes the stored data of pages, each in no more than its own length; chooses as `compress` does.
 *
 * @param input  all pages, one behind the other
 * @param ends  where each page ends, ascending
 * @returns one entry a page, in order; what does not compress is a view of the page
 */
export function compressPages(input: Uint8Array, ends: Uint32Array, compression: Compression): StoredData[] {
  const best = new Array<StoredData | undefined>(ends.length);
  for (const compressor of compression.mode === 'none' ? [] : compression.compressors) {
    // The first that succeeds counts in priority mode, so a later one sees only what is left.
    const isLeft = (index: number): boolean => compression.mode !== 'priority' || best[index] === undefined;
    const encode = pageEncoder(compressor, input, ends, isLeft);
    for (let i = 0; i < ends.length; i++) {
      if (!isLeft(i)) continue;
      const page = pageOf(input, ends, i);
      const known = best[i];
      const limit = known && compression.mode === 'size' ? known.data.length - 1 : page.length;
      const encoded = encode(i, page, limit);
      if (!encoded) continue;
      const candidate = { compr: compressor.compr, ...encoded };
      const counts = compression.mode === 'priority' || encoded.data.length < encoded.consumed;
      if (counts && (!known || isBetter(candidate, known, compression.mode))) best[i] = candidate;
    }
  }
  return Array.from(best, (found, index) => {
    const page = pageOf(input, ends, index);
    return found ?? storedAsIs(page, page.length);
  });
}

/** Returns a page of many; a view. */
export function pageOf(input: Uint8Array, ends: Uint32Array, index: number): Uint8Array {
  return input.subarray(ends[index - 1] ?? 0, ends[index]);
}

/** Compresses all pages at once where the addon can and most are wanted, else one by one as they are asked for. */
function pageEncoder(
  compressor: Compressor,
  input: Uint8Array,
  ends: Uint32Array,
  isWanted: (index: number) => boolean,
): (index: number, page: Uint8Array, limit: number) => Encoded | undefined {
  let wanted = 0;
  for (let i = 0; i < ends.length; i++) if (isWanted(i)) wanted += 1;
  if (compressor.pages !== undefined && wanted > ends.length / 2) {
    const encoded = encodePages(input, ends, compressor.pages);
    return (index) => {
      const data = pageOf(encoded.data, encoded.ends, index);
      return data.length > 0 ? { data, consumed: encoded.consumed[index] ?? 0 } : undefined;
    };
  }
  return (_index, page, limit) => {
    const encoded = compressor.encode(page, limit);
    // With less room than the page takes, a result for a part of it is no rival for one of the whole.
    return encoded?.consumed === page.length || limit === page.length ? encoded : undefined;
  };
}
