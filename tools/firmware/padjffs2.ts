/**
 * The end-of-filesystem markers that OpenWrt's `padjffs2` writes behind a root file system.
 *
 * A marker stands at the next boundary of each erase block size that the image may meet; the JFFS2 of the target takes
 * everything from the marker on as erased.
 *
 * @see SPEC.md "End marker"; OpenWrt firmware-utils src/padjffs2.c
 */

/** `DE AD C0 DE`: from here on JFFS2 formats the partition. */
export const endMarker: Uint8Array = Uint8Array.of(0xde, 0xad, 0xc0, 0xde);

/** Padding node that claims the rest of the partition, as `padjffs2 -J` and `-j` write it instead of the marker. */
export const fakePaddingNode = {
  big: Uint8Array.of(0x19, 0x85, 0x20, 0x04, 0x04, 0x00, 0x00, 0x00, 0xc4, 0x94, 0xdb, 0xf4),
  little: Uint8Array.of(0x85, 0x19, 0x04, 0x20, 0x00, 0x00, 0x00, 0x04, 0xa8, 0xfb, 0xa0, 0xb4),
} as const;

/** Alignments that OpenWrt's recipes ask for when the board has no block size, in bytes. */
export const defaultMarkerAlignments: readonly number[] = [4, 8, 16, 64, 128, 256].map((kib) => kib * 1024);

/** Says whether an erase block of this size can have a marker at its boundary: a power of two from 1 KiB to 16 MiB. */
export function isMarkerAlignment(size: number): boolean {
  return size >= 1024 && size <= 16 * 1024 ** 2 && Number.isInteger(Math.log2(size));
}

/**
 * Finds where the markers go, in bytes from the start of the file, ascending.
 *
 * @param length      bytes of the file so far
 * @param alignments  powers of two from 1 KiB; every one gets a marker at a boundary of its own, unless a marker
 *   already stands on a boundary of it
 * @param ahead       bytes that will stand in front of the file on flash; they count for the alignment
 */
export function markerOffsets(length: number, alignments: readonly number[], ahead = 0): number[] {
  const offsets: number[] = [];
  const left = new Set(alignments);
  let position = length + ahead;
  while (left.size > 0) {
    const smallest = Math.min(...left);
    position = Math.ceil(position / smallest) * smallest;
    for (const alignment of left) if (position % alignment === 0) left.delete(alignment);
    offsets.push(position - ahead);
  }
  return offsets;
}

/** Fills up with 0xFF to each marker offset and appends a marker there; the file ends right behind the last. */
export function padJffs2(
  file: Uint8Array,
  alignments: readonly number[] = defaultMarkerAlignments,
  ahead = 0,
  marker: Uint8Array = endMarker,
): Uint8Array {
  const offsets = markerOffsets(file.length, alignments, ahead);
  const last = offsets.at(-1);
  if (last === undefined) return file;
  const padded = new Uint8Array(last + marker.length).fill(0xff);
  padded.set(file);
  for (const offset of offsets) padded.set(marker, offset);
  return padded;
}
