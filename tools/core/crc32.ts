import { crc32 as zlibCrc32 } from 'node:zlib';

/** Computes the CRC-32 of zlib, PNG and Ethernet (reflected 0x04C11DB7, initial and final inversion). */
export function crc32(bytes: Uint8Array): number {
  return zlibCrc32(bytes);
}

/**
 * Computes the CRC-32 that Linux calls `crc32_le` with seed 0: the same polynomial, no inversion.
 *
 * @see Linux 6.6 lib/crc32.c; used by JFFS2 for every checksum
 */
export function crc32Raw(bytes: Uint8Array, seed = 0): number {
  return (zlibCrc32(bytes, (seed ^ 0xffffffff) >>> 0) ^ 0xffffffff) >>> 0;
}
