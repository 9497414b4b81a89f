/** Names what rootfs_data holds when it is no overlay of this board, so that its user knows what to look for. */
import type { BoardProfile } from '../../boards/index.js';
import type { Flash } from '../../flash/index.js';

const known: readonly { readonly bytes: readonly number[]; readonly name: string }[] = [
  { bytes: [0x55, 0x42, 0x49, 0x23], name: 'UBI' },
  { bytes: [0x31, 0x18, 0x10, 0x06], name: 'UBIFS' },
  { bytes: [0x68, 0x73, 0x71, 0x73], name: 'squashfs' },
  { bytes: [0x27, 0x05, 0x19, 0x56], name: 'a uImage' },
  { bytes: [0xd0, 0x0d, 0xfe, 0xed], name: 'a device tree or FIT image' },
  { bytes: [0x48, 0x44, 0x52, 0x30], name: 'a TRX image' },
  { bytes: [0x1f, 0x8b], name: 'gzip data' },
];

/**
 * Names the content of a partition by its first bytes.
 *
 * @param block  first erase block
 */
export function foreignDataName(block: Uint8Array, endianness: BoardProfile['endianness']): string {
  const swapped = endianness === 'big' ? [0x85, 0x19] : [0x19, 0x85];
  if (swapped.every((byte, i) => block[i] === byte))
    return `JFFS2 in ${endianness === 'big' ? 'little' : 'big'}-endian byte order`;
  return known.find(({ bytes }) => bytes.every((byte, i) => block[i] === byte))?.name ?? 'unknown data';
}

/** Distances of cleanmarkers that are looked for: no chip erases less at once. */
const smallestEraseSize = 4096;

/**
 * Finds the erase size of JFFS2 that was written for a chip with smaller erase blocks than this one has.
 *
 * Linux looks at the start of a block only, takes it for free, and programs over what stands further on.
 *
 * @returns bytes; undefined when no block holds a cleanmarker but at its start
 */
export function smallerEraseSize(volume: Flash, endianness: BoardProfile['endianness']): number | undefined {
  const { eraseSize, size } = volume.geometry;
  const marker = endianness === 'big' ? [0x19, 0x85, 0x20, 0x03] : [0x85, 0x19, 0x03, 0x20];
  for (let index = 0; (index + 1) * eraseSize <= size; index += 1) {
    const block = volume.block(index);
    for (let offset = smallestEraseSize; offset < eraseSize; offset += smallestEraseSize) {
      if (marker.every((byte, i) => block[offset + i] === byte)) return offset;
    }
  }
  return undefined;
}
