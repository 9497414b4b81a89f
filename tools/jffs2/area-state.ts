/** What a rootfs_data area is to OpenWrt's boot, told from its first bytes. */
import { MAGIC, viewOf } from './node/layout.js';
import type { Endian } from './node/layout.js';
import { isEndMarker } from './scan/block.js';

/**
 * Kinds of areas: `jffs2` is used at once; `end-marker` and `blank` are formatted when init has finished, and this boot
 * runs on RAM; `snapshot` holds OpenWrt's snapshot records; `foreign` is anything else, JFFS2 in the other byte order
 * among it.
 */
export type AreaKind = 'blank' | 'end-marker' | 'jffs2' | 'snapshot' | 'foreign';

/** The first bytes of a record of OpenWrt's snapshots: `OWRT`. */
const SNAPSHOT = 0x4f575254;
const ERASED = 0xffffffff;

/**
 * Tells the kind of a rootfs_data area from its first bytes, in the order of tests of OpenWrt's mount_root.
 *
 * @param bytes the whole area, or its first erase block: `blank` then speaks of what was given
 * @param oob first spare bytes of the first page, on NAND: they are looked at when the area starts erased
 * @see SPEC.md "State of an area"; OpenWrt fstools, libfstools/mtd.c
 */
export function areaKind(bytes: Uint8Array, endian: Endian, oob: Uint8Array = new Uint8Array()): AreaKind {
  const start = Uint8Array.from({ length: 4 }, (_, index) => bytes[index] ?? 0xff);
  const isErased = viewOf(start).getUint32(0) === ERASED;
  if (isErased) start.set(oob.subarray(0, 4));
  const view = viewOf(start);
  const word = view.getUint32(0);
  if (word === SNAPSHOT) return 'snapshot';
  if (isEndMarker(view, 0)) return 'end-marker';
  const little = endian === 'little';
  // On NAND the bytes that mark a bad block may stand before the cleanmarker.
  if (view.getUint16(0, little) === MAGIC || view.getUint16(2, little) === MAGIC) return 'jffs2';
  return word === ERASED && bytes.every((byte) => byte === 0xff) ? 'blank' : 'foreign';
}
