/** The hash that libsquashfs takes of blocks, for crafting contents that it cannot tell apart. */

import { noise } from './squashfs-trees.js';

const primes = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1] as const;

function rotate(value: number, count: number): number {
  return (value << count) | (value >>> (32 - count));
}

/** XXH32 with seed 0, as its specification describes it. */
export function xxh32(bytes: Uint8Array): number {
  const [p1, p2, p3, p4, p5] = primes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash: number = p5;
  if (bytes.length >= 16) {
    const lanes = [p1 + p2, p2, 0, -p1];
    for (; at + 16 <= bytes.length; at += 16) {
      for (let i = 0; i < 4; i += 1) {
        const sum = ((lanes[i] ?? 0) + Math.imul(view.getUint32(at + 4 * i, true), p2)) | 0;
        lanes[i] = Math.imul(rotate(sum, 13), p1);
      }
    }
    const [a = 0, b = 0, c = 0, d = 0] = lanes;
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
  }
  hash = (hash + bytes.length) | 0;
  for (; at + 4 <= bytes.length; at += 4) {
    hash = Math.imul(rotate((hash + Math.imul(view.getUint32(at, true), p3)) | 0, 17), p4);
  }
  for (; at < bytes.length; at += 1) {
    hash = Math.imul(rotate((hash + Math.imul(bytes[at] ?? 0, p5)) | 0, 11), p1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), p2);
  hash = Math.imul(hash ^ (hash >>> 13), p3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Finds two different contents of one length with the same hash, by trying; the same two every time. */
export function xxh32Collision(length: number): readonly [Uint8Array, Uint8Array] {
  const seen = new Map<number, Uint8Array>();
  for (let i = 0; ; i += 1) {
    const bytes = noise(length, i + 1);
    const hash = xxh32(bytes);
    const other = seen.get(hash);
    if (other) return [other, bytes];
    seen.set(hash, bytes);
  }
}
