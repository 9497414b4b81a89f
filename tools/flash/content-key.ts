import { createHash } from 'node:crypto';
import type { Flash } from './flash.js';

const DIGEST_SIZE = 32;
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
  const count = Math.floor(size / eraseSize);
  const all = new Uint8Array(count * DIGEST_SIZE);
  for (let index = 0; index < count; index += 1) {
    const block = flash.block(index);
    let digest = digests.get(block);
    if (!digest) digests.set(block, (digest = createHash('sha256').update(block).digest()));
    all.set(digest, index * DIGEST_SIZE);
  }
  return createHash('sha256').update(all).digest().toString('base64url', 0, 16);
}
