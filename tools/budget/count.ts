/**
 * Counts the flash budget of a board over the bytes of an image: where the kernel will put the partitions, what they
 * hold, how many erase blocks are left for the overlay, and by how many bytes the image is too big.
 */
import { findPartition } from '../boards/index.js';
import type { BoardProfile } from '../boards/index.js';
import type { Oversize } from '../build/index.js';
import { roundDown, roundUp } from '../core/index.js';
import { splitFirmware } from '../firmware/index.js';
import type { FirmwareSplit, SplitPart } from '../firmware/index.js';
import { norGeometry } from '../flash/index.js';
import { MINIMUM_BLOCKS, predictFirstMount } from '../jffs2/index.js';
import type { ImageAttribution, NameCost } from './attribution.js';

/** One partition; `offset` counts from the start of the chip. */
export interface BudgetPartition {
  readonly label: string;
  /** `firmware` for what the kernel cuts out of it. */
  readonly parent?: string;
  readonly offset: number;
  readonly size: number;
  /** Bytes up to the last that is no padding. */
  readonly used: number;
  readonly free: number;
  readonly readOnly: boolean;
}

/** The writable partition as its first mount will find it. */
export interface OverlayBudget {
  readonly offset: number;
  readonly size: number;
  readonly eraseBlocks: number;
  /** Five for JFFS2, and the reserve of the profile in whole blocks. */
  readonly neededBlocks: number;
  readonly reserveBlocks: number;
  /** Whether a kernel mounts it at all. */
  readonly mountable: boolean;
  /** What `df` will call available, in bytes. */
  readonly freeBytes: number;
}

/** One limit and what counts against it. */
export interface BudgetLimit {
  readonly what: string;
  readonly limit: number;
  readonly use: number;
  /** Bytes left, or 0. */
  readonly headroom: number;
  readonly overBy: number;
}

/** What the squashfs holds, in sums; see `attributeImage`. */
export type RootfsCost = Omit<ImageAttribution, 'names'>;

/** The flash budget of one image on one board. All sizes in bytes. */
export interface FlashBudget {
  readonly board: string;
  readonly fits: boolean;
  /** Bytes by which the image must shrink; 0 when it fits. */
  readonly overBy: number;
  readonly eraseSize: number;
  /** By offset. */
  readonly partitions: readonly BudgetPartition[];
  readonly overlay: OverlayBudget | undefined;
  readonly limits: readonly BudgetLimit[];
  /** Why the kernel would find no root or no writable partition. */
  readonly problem: string | undefined;
  /** Undefined where the kernel finds no squashfs. */
  readonly rootfs: RootfsCost | undefined;
  /** The costliest names of the squashfs, the costliest first, equal ones by path. */
  readonly files: readonly NameCost[];
}

/** Lists partitions without those that others fill: in place of `firmware` what the kernel cuts out of it; none empty. */
export function innermostPartitions({ partitions }: Pick<FlashBudget, 'partitions'>): BudgetPartition[] {
  const parents = new Set(partitions.map(({ parent }) => parent));
  return partitions.filter(({ label, size }) => !parents.has(label) && size > 0);
}

/** What a budget is counted over. */
export interface BudgetInput {
  readonly profile: BoardProfile;
  /** Content of the partition `firmware` from its start; may be shorter or longer than the partition. */
  readonly firmware: Uint8Array;
  /** How much of `firmware` is the image, where the rest is what the device wrote: for dumps. All of it when absent. */
  readonly imageSize?: number | undefined;
  /** The rest of the chip, when it is known. */
  readonly flash?: Uint8Array | undefined;
  /** Limits that the build found broken. */
  readonly oversize?: readonly Oversize[];
  /** What the squashfs in it costs. */
  readonly attribution?: ImageAttribution | undefined;
  /** How many names to list; all when absent. */
  readonly top?: number | undefined;
}

/** Counts the budget of an image. */
export function countBudget(input: BudgetInput): FlashBudget {
  const { profile } = input;
  const firmware = findPartition(profile, 'firmware');
  const { eraseSize } = profile.flash;
  const split: FirmwareSplit = firmware
    ? splitFirmware(partitionContent(input, firmware), profile)
    : { parts: [], problem: 'the board has no partition firmware' };
  const overlay = firmware && overlayOf(profile, firmware.offset, split);
  const limits = limitsOf(input, firmware?.size);
  if (firmware) {
    // What sticks out of the partition counts too: the limit is about the image, not about what the chip would keep.
    const whole = input.firmware.length > firmware.size ? splitFirmware(input.firmware, profile) : split;
    limits.push(...overlayLimit(whole, firmware.size, overlay, profile));
  }
  const overBy = Math.max(0, ...limits.map((limit) => limit.overBy));
  const fits = overBy === 0 && split.problem === undefined && overlay !== undefined;
  return {
    board: profile.id,
    fits,
    overBy,
    eraseSize,
    partitions: [...chipPartitions(input), ...splitPartitions(input, split, firmware?.offset ?? 0)].sort(
      (a, b) => a.offset - b.offset || b.size - a.size,
    ),
    overlay,
    limits,
    problem: split.problem,
    ...costsOf(input),
  };
}

function costsOf({ attribution, top }: BudgetInput): Pick<FlashBudget, 'rootfs' | 'files'> {
  if (!attribution) return { rootfs: undefined, files: [] };
  const { names, ...rootfs } = attribution;
  const costliest = names.toSorted((a, b) => b.stored - a.stored || (a.path < b.path ? -1 : 1));
  return { rootfs, files: costliest.slice(0, top) };
}

/** The partition as the chip holds it: erased behind the bytes, cut off at its end. */
/** What the kernel sees of `firmware`: the image, cut off or erased behind it. */
function partitionContent(
  { firmware, flash }: BudgetInput,
  { offset, size }: { readonly offset: number; readonly size: number },
): Uint8Array {
  if (firmware.length >= size) return firmware.subarray(0, size);
  if (flash && flash.length >= offset + size) return flash.subarray(offset, offset + size);
  const filled = new Uint8Array(size).fill(0xff);
  filled.set(firmware);
  return filled;
}

function overlayOf(
  profile: BoardProfile,
  firmwareOffset: number,
  { rootfsData }: FirmwareSplit,
): OverlayBudget | undefined {
  if (!rootfsData) return undefined;
  const { eraseSize } = profile.flash;
  const mount = predictFirstMount(norGeometry(rootfsData.size, eraseSize));
  const reserveBlocks = Math.ceil(profile.overlay.reserve / eraseSize);
  return {
    offset: firmwareOffset + rootfsData.offset,
    size: rootfsData.size,
    eraseBlocks: mount.blocks,
    neededBlocks: MINIMUM_BLOCKS + reserveBlocks,
    reserveBlocks,
    mountable: mount.mountable,
    freeBytes: mount.mountable ? mount.freeBytes : 0,
  };
}

/**
 * Tells how many erase blocks the overlay would have behind a squashfs of another size.
 *
 * @returns undefined where the image has no squashfs or no overlay
 */
export function overlayBlocksBehind(
  profile: BoardProfile,
  { partitions, overlay, eraseSize }: FlashBudget,
): ((squashfsSize: number) => number) | undefined {
  const rootfs = partitions.find(({ label, parent }) => label === 'rootfs' && parent === 'firmware');
  if (!rootfs || !overlay) return undefined;
  // By name the children hang below the chip, and alignment counts from its start.
  const base = profile.split.mode === 'by-name' ? 0 : (findPartition(profile, 'firmware')?.offset ?? 0);
  const end = overlay.offset + overlay.size;
  return (squashfsSize) => {
    const start = base + roundUp(rootfs.offset - base + squashfsSize, eraseSize);
    return Math.max(0, Math.floor((end - start) / eraseSize));
  };
}

function limitsOf(
  { profile, firmware, imageSize = firmware.length, oversize = [] }: BudgetInput,
  partition: number | undefined,
): BudgetLimit[] {
  const limits = partition === undefined ? [] : [limitOf('firmware', partition, imageSize)];
  if (profile.imageSize !== undefined && profile.imageSize !== partition) {
    limits.push(limitOf('image size', profile.imageSize, imageSize));
  }
  // What the build met and what stands above are often the same limit.
  const others = oversize.filter(
    ({ limit, use }) => !limits.some((known) => known.limit === limit && known.use === use),
  );
  return [...limits, ...others.map(({ what, limit, use }) => limitOf(what, limit, use))];
}

function limitOf(what: string, limit: number, use: number): BudgetLimit {
  return { what, limit, use, headroom: Math.max(0, limit - use), overBy: Math.max(0, use - limit) };
}

/**
 * The end of the squashfs against the last place where it leaves the overlay enough erase blocks.
 *
 * rootfs_data starts at the next erase block behind the squashfs, so the squashfs may end on that very boundary.
 */
function overlayLimit(
  { rootfs, squashfsSize }: FirmwareSplit,
  partition: number | undefined,
  overlay: OverlayBudget | undefined,
  profile: BoardProfile,
): BudgetLimit[] {
  if (!rootfs || squashfsSize === undefined || partition === undefined) return [];
  const { eraseSize } = profile.flash;
  const firmwareOffset = findPartition(profile, 'firmware')?.offset ?? 0;
  // By name the children hang below the chip, and alignment counts from its start.
  const base = profile.split.mode === 'by-name' ? firmwareOffset : 0;
  const needed = overlay?.neededBlocks ?? MINIMUM_BLOCKS + Math.ceil(profile.overlay.reserve / eraseSize);
  const end = rootfs.offset + Math.min(rootfs.size, partition - rootfs.offset);
  const last = roundDown(base + end - needed * eraseSize, eraseSize) - base;
  return [
    limitOf(
      `end of squashfs, with ${needed} erase blocks behind it`,
      Math.max(0, last),
      rootfs.offset + squashfsSize,
    ),
  ];
}

function chipPartitions({ profile, firmware, flash }: BudgetInput): BudgetPartition[] {
  return profile.partitions.map(({ label, offset, size, readOnly, parent }) => {
    const bytes = label === 'firmware' ? firmware : flash?.subarray(offset, offset + size);
    const used = bytes ? usedLength(bytes) : 0;
    return {
      label,
      offset,
      size,
      used,
      free: Math.max(0, size - used),
      readOnly,
      ...(parent === undefined ? {} : { parent }),
    };
  });
}

function splitPartitions(
  { firmware }: BudgetInput,
  split: FirmwareSplit,
  firmwareOffset: number,
): BudgetPartition[] {
  return split.parts.map((part) => {
    const used = usedOf(part, split, firmware);
    // rootfs reaches to the end of firmware; what rootfs_data takes of it is no longer free.
    const size =
      part.label === 'rootfs' && split.rootfsData ? split.rootfsData.offset - part.offset : part.size;
    return {
      label: part.label,
      parent: 'firmware',
      offset: firmwareOffset + part.offset,
      size,
      used,
      free: Math.max(0, size - used),
      readOnly: part.label !== 'rootfs_data',
    };
  });
}

function usedOf(part: SplitPart, split: FirmwareSplit, firmware: Uint8Array): number {
  if (part.label === 'rootfs' && split.squashfsSize !== undefined) return split.squashfsSize;
  // Behind an end marker JFFS2 formats everything: nothing there counts as used.
  if (part.label === 'rootfs_data' && startsWithMarker(firmware, part.offset)) return 0;
  return usedLength(firmware.subarray(part.offset, part.offset + part.size));
}

function startsWithMarker(bytes: Uint8Array, offset: number): boolean {
  return [0xde, 0xad, 0xc0, 0xde].every((byte, i) => bytes[offset + i] === byte);
}

/** Length without the padding of 0x00 or 0xFF at the end. */
function usedLength(bytes: Uint8Array): number {
  const padding = bytes.at(-1);
  if (padding !== 0x00 && padding !== 0xff) return bytes.length;
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === padding) length -= 1;
  return length;
}
