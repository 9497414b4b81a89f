/** Areas without files. */
import type { FlashGeometry } from '../flash/index.js';
import { cleanmarkerSizeOf } from './mount/first-mount.js';
import { encodeCleanmarker } from './node/encode.js';
import type { Endian } from './node/layout.js';

/** OpenWrt's end marker: the same bytes on every machine. */
export const END_MARKER_BYTES: Readonly<Uint8Array> = Uint8Array.of(0xde, 0xad, 0xc0, 0xde);

/**
 * Makes an area without files.
 *
 * `erased` is all FF: Linux erases every block again at the first mount. `formatted` has a cleanmarker in each block
 * and mounts at once; on NAND, where cleanmarkers stand in the spare bytes, it equals `erased`. `end-marker` is what
 * OpenWrt's images leave: formatted by the device when its first boot has finished.
 *
 * @returns `geometry.size` bytes, whole erase blocks only
 */
export function blankJffs2(
  geometry: FlashGeometry,
  form: 'erased' | 'formatted' | 'end-marker',
  endian: Endian,
): Uint8Array {
  const { eraseSize } = geometry;
  const area = new Uint8Array(Math.floor(geometry.size / eraseSize) * eraseSize).fill(0xff);
  if (form === 'end-marker') area.set(END_MARKER_BYTES.subarray(0, area.length));
  const markerSize = cleanmarkerSizeOf(geometry);
  if (form !== 'formatted' || markerSize === 0) return area;
  const marker = encodeCleanmarker(markerSize, endian);
  for (let offset = 0; offset < area.length; offset += eraseSize) area.set(marker, offset);
  return area;
}
