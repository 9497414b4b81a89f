/** What a rootfs_data area is to OpenWrt's boot, told from its first bytes, and what its first JFFS2 mount will find. */
import type { FlashGeometry } from '../flash/index.js';
import { predictFirstMount } from './mount/first-mount.js';
import type { FirstMount } from './mount/first-mount.js';
import { MAGIC, MAGIC_SWAPPED, viewOf } from './node/layout.js';
import type { Endian } from './node/layout.js';
import { isEndMarker } from './scan/block.js';
import { scanJffs2 } from './scan/scan.js';
import type { Jffs2Scan } from './scan/scan.js';

/**
 * Kinds of areas: `jffs2` is used at once; `end-marker` and `blank` are formatted when init has finished, and this boot
 * runs on RAM; `snapshot` holds OpenWrt's snapshot records; `foreign` is anything else, JFFS2 in the other byte order
 * among it.
 */
export type AreaKind = 'blank' | 'end-marker' | 'jffs2' | 'snapshot' | 'foreign';

/** State of a rootfs_data area. */
export interface AreaState {
  readonly kind: AreaKind;
  /** True when the area starts with JFFS2 of the other byte order. */
  readonly isSwapped: boolean;
  /** What the next JFFS2 mount will find; `mountable` is false where Linux refuses it. */
  readonly firstMount: FirstMount;
  /** Why Linux refuses the mount. */
  readonly refusal?: string;
  /** Files and report, where the area holds JFFS2. */
  readonly scan?: Jffs2Scan;
}

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

/**
 * Tells what a rootfs_data area holds, and what its first mount will find.
 *
 * @param bytes the whole area
 * @param endian byte order of the device
 * @param oob as for `areaKind`
 */
export function areaState(
  bytes: Uint8Array,
  geometry: FlashGeometry,
  endian: Endian,
  oob: Uint8Array = new Uint8Array(),
): AreaState {
  const kind = areaKind(bytes, endian, oob);
  switch (kind) {
    case 'jffs2':
      return withFiles(bytes, geometry, endian);
    case 'snapshot':
      return withoutFiles(kind, geometry, 'the area holds a snapshot');
    case 'end-marker':
    case 'blank':
      return withoutFiles(kind, geometry);
    case 'foreign': {
      const isSwapped =
        bytes.length >= 2 && viewOf(bytes).getUint16(0, endian === 'little') === MAGIC_SWAPPED;
      const what = isSwapped ? 'JFFS2 of the other byte order' : 'foreign data without an end marker';
      return { ...withoutFiles(kind, geometry, what), isSwapped };
    }
  }
}

function withoutFiles(kind: AreaKind, geometry: FlashGeometry, refusal?: string): AreaState {
  const predicted = predictFirstMount(geometry);
  if (refusal === undefined) return { kind, isSwapped: false, firstMount: predicted };
  const nothing = { mountable: false, freeBytes: 0, freePages: 0, capacityBytes: 0 };
  return { kind, isSwapped: false, firstMount: { ...predicted, ...nothing }, refusal };
}

function withFiles(bytes: Uint8Array, geometry: FlashGeometry, endian: Endian): AreaState {
  const scan = scanJffs2(bytes, { endian, eraseSize: geometry.eraseSize });
  const { liveBytes, mountable, refusal } = scan.report;
  const predicted = predictFirstMount(geometry, { usedBytes: liveBytes, badBlocks: 0 });
  const firstMount = { ...predicted, mountable: predicted.mountable && mountable };
  return { kind: 'jffs2', isSwapped: false, firstMount, scan, ...(refusal === undefined ? {} : { refusal }) };
}
