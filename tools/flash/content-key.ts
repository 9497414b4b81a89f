import { createHash } from 'node:crypto';
import type { Flash } from './flash.js';

const digests = new WeakMap<Uint8Array, Buffer>();

/**
 * Names the content of a device: two devices of one geometry have the same key when their bytes are the same.
 *
 * Costs a hash of each erase block that was not seen before; blocks are remembered by their identity.
 *
 * @returns 22 characters, 128 bits of a SHA-256
 */
export function contentKey(flash: Flash): string {
  const { size, eraseSize } = flash.geometry;
  const all = createHash('sha256');
  for (let index = 0; (index + 1) * eraseSize <= size; index += 1) {
    const block = flash.block(index);
    let digest = digests.get(block);
    if (!digest) digests.set(block, (digest = createHash('sha256').update(block).digest()));
    all.update(digest);
  }
  return all.digest().toString('base64url', 0, 16);
}
