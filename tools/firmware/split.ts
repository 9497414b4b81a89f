/**
 * Splits the partition `firmware` as the board's kernel does at boot: kernel, rootfs, rootfs_data.
 *
 * Each splitter looks at the bytes alone, so the result is what the device would do with this very image. Checksums
 * are not looked at, because the kernel does not either.
 *
 * @see SPEC.md "Splitting"; Linux 6.12 as patched by OpenWrt, drivers/mtd/mtdsplit
 */
import { roundDown, roundUp } from '../core/index.js';
import { startsWith, wordBe, wordLe } from './bytes.js';
import { elfSize } from './elf.js';
import { readLzmaAlone } from './lzma.js';
import { uImageMagic, uImageTable, uImageTypes } from './uimage.js';
import type { VendorHeaders } from './vendor-headers.js';

/** Splitters by the name that profiles use. */
export const splitParsers = [
  'uimage',
  'tplink',
  'seama',
  'trx',
  'mainline-trx',
  'wrgg',
  'fit',
  'lzma',
  'elf',
] as const;

/** Name of a splitter. */
export type SplitParser = (typeof splitParsers)[number];

/** What of a board profile decides the split; a `BoardProfile` is one. */
export interface SplitBoard {
  readonly endianness: 'big' | 'little';
  readonly flash: { readonly eraseSize: number };
  readonly split: { readonly mode: 'nested' | 'by-name' | 'none'; readonly parser?: SplitParser | undefined };
  readonly partitions: readonly { readonly label: string; readonly offset: number }[];
  readonly headers: VendorHeaders;
}

/** A range that the kernel makes a partition; `offset` counts from the start of `firmware`. */
export interface SplitPart {
  readonly label: string;
  readonly offset: number;
  readonly size: number;
}

/** Outcome of a split. */
export interface FirmwareSplit {
  /** In the order of the kernel's table. */
  readonly parts: readonly SplitPart[];
  /** The part that holds the kernel, labelled `kernel` or `linux`. */
  readonly kernel?: SplitPart;
  readonly rootfs?: SplitPart;
  readonly rootfsData?: SplitPart;
  /** Bytes of the squashfs as its superblock says; undefined when rootfs is something else. */
  readonly squashfsSize?: number;
  /** Why the kernel would find no rootfs or no rootfs_data; undefined when it finds both. */
  readonly problem?: string;
}

type Found = readonly SplitPart[] | string;

interface SplitInput {
  readonly bytes: Uint8Array;
  readonly eraseSize: number;
  readonly board: SplitBoard;
}

/**
 * Splits `firmware`.
 *
 * @param firmware  bytes of the whole partition (an image shorter than it is taken as the partition's size; fill it up
 *   with 0xFF to see the split on the device)
 * @returns parts found; `problem` says in one sentence what a kernel would miss
 */
export function splitFirmware(firmware: Uint8Array, board: SplitBoard): FirmwareSplit {
  const { mode, parser } = board.split;
  if (mode === 'none' || parser === undefined)
    return { parts: [], problem: 'the board does not split firmware' };
  const input = { bytes: firmware, eraseSize: board.flash.eraseSize, board };
  const found = splitters[parser](input);
  if (typeof found === 'string') return { parts: [], problem: found };
  const kernel = found.find(({ label }) => label === 'kernel' || label === 'linux');
  const rootfs = found.find(({ label }) => label === 'rootfs');
  // Children by name hang below the chip, so that their alignment counts from its start.
  const base =
    mode === 'by-name' ? (board.partitions.find(({ label }) => label === 'firmware')?.offset ?? 0) : 0;
  const data: RootfsDataSearch =
    rootfs === undefined ? { problem: 'no rootfs part' } : findRootfsData(input, rootfs, base);
  return {
    parts: data.part ? [...found, data.part] : found,
    ...(kernel ? { kernel } : {}),
    ...(rootfs ? { rootfs } : {}),
    ...(data.part ? { rootfsData: data.part } : {}),
    ...(data.squashfsSize === undefined ? {} : { squashfsSize: data.squashfsSize }),
    ...(data.problem === undefined ? {} : { problem: data.problem }),
  };
}

interface RootfsDataSearch {
  readonly part?: SplitPart;
  readonly squashfsSize?: number;
  readonly problem?: string;
}

/** rootfs_data starts at the first erase block behind the squashfs's real end. */
function findRootfsData({ bytes, eraseSize }: SplitInput, rootfs: SplitPart, base: number): RootfsDataSearch {
  if (!startsWith(bytes, squashfsMagic, rootfs.offset)) return { problem: 'rootfs holds no squashfs' };
  const low = wordLe(bytes, rootfs.offset + 40);
  const high = wordLe(bytes, rootfs.offset + 44);
  if (low === undefined || high === undefined) return { problem: 'the squashfs superblock is cut off' };
  const squashfsSize = high * 2 ** 32 + low;
  if (squashfsSize === 0 || squashfsSize > rootfs.size)
    return { problem: `the squashfs says ${squashfsSize} bytes, its partition has ${rootfs.size}` };
  const start = base + rootfs.offset;
  const offset = roundUp(start + squashfsSize, eraseSize) - base;
  const size = roundDown(rootfs.offset + rootfs.size - offset, eraseSize);
  if (size <= 0) return { squashfsSize, problem: 'no erase block is left behind the squashfs' };
  return { part: { label: 'rootfs_data', offset, size }, squashfsSize };
}

const squashfsMagic = Buffer.from('hsqs');
const ubiMagic = Buffer.from('UBI#');
const cleanMarkerBig = Uint8Array.of(0x19, 0x85, 0x20, 0x03);

/** The label a rootfs at `offset` gets, or undefined when none starts there. */
function rootfsLabel({ bytes, board }: SplitInput, offset: number): 'rootfs' | 'ubi' | undefined {
  if (startsWith(bytes, squashfsMagic, offset)) return 'rootfs';
  if (startsWith(bytes, ubiMagic, offset)) return 'ubi';
  // The kernel compares in its own byte order with the big-endian marker, so little-endian JFFS2 is never seen.
  if (board.endianness === 'big' && startsWith(bytes, cleanMarkerBig, offset)) return 'rootfs';
  return undefined;
}

/** Looks at `from` itself, then at every erase block behind it. */
function searchRootfs(input: SplitInput, from: number): SplitPart | undefined {
  const { bytes, eraseSize } = input;
  for (let offset = from; offset < bytes.length; offset = roundDown(offset, eraseSize) + eraseSize) {
    const label = rootfsLabel(input, offset);
    if (label !== undefined) return { label, offset, size: bytes.length - offset };
  }
  return undefined;
}

/** Kernel from `start` to the rootfs that is searched from `from`. */
function kernelThenRootfs(input: SplitInput, start: number, from: number): Found {
  const rootfs = searchRootfs(input, from);
  if (rootfs === undefined) return `no rootfs at 0x${from.toString(16)} or at an erase block behind it`;
  return [{ label: 'kernel', offset: start, size: rootfs.offset - start }, rootfs];
}

/** Where splitters that do not know the kernel's end begin to search. */
const blindSearchStart = 0x80000;

const splitters: Readonly<Record<SplitParser, (input: SplitInput) => Found>> = {
  uimage: splitUImage,
  tplink: splitTplink,
  seama: splitSeama,
  trx: splitTrx,
  'mainline-trx': splitMainlineTrx,
  wrgg: splitWrgg,
  fit: splitFit,
  lzma: (input) =>
    readLzmaAlone(input.bytes) === undefined
      ? 'no LZMA stream at the start of firmware'
      : kernelThenRootfs(input, 0, input.eraseSize),
  elf: splitElf,
};

function splitUImage(input: SplitInput): Found {
  const { bytes, eraseSize, board } = input;
  const { magic = uImageMagic, type = uImageTypes.kernel, padding = 0 } = board.headers.uimage ?? {};
  for (let offset = 0; offset + uImageTable.size <= bytes.length; offset += eraseSize) {
    const header = uImageTable.read(bytes, offset);
    if (header.magic !== magic || header.os !== 5 || header.type !== type) continue;
    const length = uImageTable.size + header.size + padding;
    if (offset + length > bytes.length) continue;
    if (offset === 0) return kernelThenRootfs(input, 0, length);
    const label = rootfsLabel(input, 0);
    if (label === undefined) return `uImage at 0x${offset.toString(16)}, but no rootfs before it`;
    return [
      { label, offset: 0, size: offset },
      { label: 'kernel', offset, size: length },
    ];
  }
  return 'no uImage at the start of any erase block of firmware';
}

function splitTplink(input: SplitInput): Found {
  const { bytes } = input;
  const version = wordLe(bytes, 0);
  const fields =
    version === 1
      ? { kernelOffset: 0x80, kernelLength: 0x84, rootfsOffset: 0x88 }
      : version === 2 || version === 3
        ? { kernelOffset: 0x74, kernelLength: 0x78, rootfsOffset: 0x7c }
        : undefined;
  if (fields === undefined) return 'no TP-Link header at the start of firmware';
  if (wordBe(bytes, fields.kernelOffset) !== 0x200)
    return 'the TP-Link header does not put the kernel at 0x200';
  const kernelSize = 0x200 + (wordBe(bytes, fields.kernelLength) ?? 0);
  if (kernelSize > bytes.length) return 'the TP-Link header says a kernel beyond the partition';
  const told = wordBe(bytes, fields.rootfsOffset) ?? 0;
  const label = rootfsLabel(input, told);
  const rootfs =
    label === undefined
      ? searchRootfs(input, blindSearchStart)
      : { label, offset: told, size: bytes.length - told };
  if (rootfs === undefined) return 'no rootfs where the TP-Link header says or at an erase block';
  return [{ label: 'kernel', offset: 0, size: kernelSize }, rootfs];
}

function splitSeama(input: SplitInput): Found {
  const { bytes } = input;
  if (wordBe(bytes, 0) !== 0x5ea3a417) return 'no Seama header at the start of firmware';
  const metaSize = (wordBe(bytes, 4) ?? 0) & 0xffff;
  const start = 28 + metaSize;
  const end = start + (wordBe(bytes, 8) ?? 0);
  return kernelThenRootfs(input, start, rootfsLabel(input, end) === undefined ? blindSearchStart : end);
}

function splitTrx(input: SplitInput): Found {
  const { bytes, eraseSize } = input;
  for (let offset = 0; offset + 28 <= bytes.length; offset += eraseSize) {
    if (wordLe(bytes, offset) !== trxMagic) continue;
    const length = wordLe(bytes, offset + 4) ?? 0;
    if (offset + length > bytes.length) continue;
    const kernel = offset + (wordLe(bytes, offset + 16) ?? 0);
    const rootfs = offset + (wordLe(bytes, offset + 20) ?? 0);
    if (kernel >= rootfs || rootfs >= bytes.length) return 'the TRX header names no kernel and rootfs';
    return [
      { label: 'kernel', offset: kernel, size: rootfs - kernel },
      { label: 'rootfs', offset: rootfs, size: bytes.length - rootfs },
    ];
  }
  return 'no TRX header at the start of any erase block of firmware';
}

function splitMainlineTrx({ bytes, board }: SplitInput): Found {
  if (wordLe(bytes, 0) !== (board.headers.trx?.magic ?? trxMagic))
    return 'no TRX header at the start of firmware';
  const offsets = [16, 20, 24].map((at) => wordLe(bytes, at) ?? 0);
  const labels = offsets[2] === 0 ? ['linux', 'rootfs'] : ['loader', 'linux', 'rootfs'];
  const parts = labels
    .map((label, index) => ({ label, offset: offsets[index] ?? 0 }))
    .filter(({ offset }) => offset > 0 && offset < bytes.length)
    .sort((a, b) => a.offset - b.offset);
  if (parts.length === 0) return 'the TRX header names no parts';
  return parts.map(({ label, offset }, index) => ({
    label: index === parts.length - 1 && startsWith(bytes, ubiMagic, offset) ? 'ubi' : label,
    offset,
    size: (parts[index + 1]?.offset ?? bytes.length) - offset,
  }));
}

function splitElf(input: SplitInput): Found {
  const size = elfSize(input.bytes);
  if (size === undefined) return 'no ELF file at the start of firmware';
  return kernelThenRootfs(input, 0, size);
}

function splitWrgg(input: SplitInput): Found {
  const magic = wordLe(input.bytes, 32);
  if (magic !== 0x20080321 && magic !== 0x20040220) return 'no WRGG header at the start of firmware';
  return kernelThenRootfs(input, 0, blindSearchStart);
}

function splitFit(input: SplitInput): Found {
  const { bytes, eraseSize } = input;
  for (let offset = 0; offset + 40 <= bytes.length; offset += eraseSize) {
    if (wordBe(bytes, offset) !== 0xd00dfeed) continue;
    const size = wordBe(bytes, offset + 4) ?? 0;
    if (offset + size > bytes.length) continue;
    const rootfs = searchRootfs(input, offset + size);
    if (rootfs === undefined) return 'no rootfs behind the FIT image';
    return [{ label: 'kernel', offset, size: roundUp(size, eraseSize) }, rootfs];
  }
  return 'no FIT image at the start of any erase block of firmware';
}

const trxMagic = 0x30524448;
