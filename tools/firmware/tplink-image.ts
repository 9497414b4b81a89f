/**
 * What the TP-Link images of all header versions share: flash layouts, and the body behind the header.
 *
 * @see SPEC.md "TP-Link v1", "TP-Link v2 and v3"; OpenWrt firmware-utils src/mktplinkfw.c, mktplinkfw2.c
 */
import { BudgetError, FormatError, groupDigits, roundUp } from '../core/index.js';
import { padJffs2 } from './padjffs2.js';

/** Bytes of the header of every version. */
export const tplinkHeaderSize = 0x200;

/** A flash layout of TP-Link's boot loaders. */
export interface TplinkLayout {
  /** Most bytes of an image, header included. */
  readonly length: number;
  readonly load: number;
  readonly entry: number;
}

const layout = (length: number, load: number, entry: number): TplinkLayout => ({ length, load, entry });

/** Layouts of v1 headers by the name that profiles use. */
export const tplinkV1Layouts: Readonly<Record<string, TplinkLayout>> = {
  '4M': layout(0x3c0000, 0x80060000, 0x80060000),
  '4Mlzma': layout(0x3c0000, 0x80060000, 0x80060000),
  '8M': layout(0x7c0000, 0x80060000, 0x80060000),
  '8Mlzma': layout(0x7c0000, 0x80060000, 0x80060000),
  '8Mmtk': layout(0x7c0000, 0x80000000, 0x8000c310),
  '16M': layout(0xf80000, 0x80060000, 0x80060000),
  '16Mlzma': layout(0xf80000, 0x80060000, 0x80060000),
  '16Mppc': layout(0xf80000, 0x00000000, 0xc0000000),
};

/** Layouts of v2 and v3 headers by the name that profiles use. */
export const tplinkV2Layouts: Readonly<Record<string, TplinkLayout>> = {
  '4Mmtk': layout(0x3c0000, 0x80000000, 0x80000000),
  '4MLmtk': layout(0x3d0000, 0x80000000, 0x80000000),
  '8Mltq': layout(0x7a0000, 0x80002000, 0x80002000),
  '16Mltq': layout(0xf90000, 0x80002000, 0x800061b0),
  '8Mmtk': layout(0x7a0000, 0x80000000, 0x80000000),
  '16MLmtk': layout(0xe90000, 0x80000000, 0x80000000),
  '16Mmtk': layout(0xfa0000, 0x80000000, 0x80000000),
  '8MSUmtk': layout(0x770000, 0x80000000, 0x80000000),
  '8MLmtk': layout(0x7b0000, 0x80000000, 0x80000000),
  '8Mqca': layout(0x7a0000, 0x80060000, 0x80060000),
  '16Mqca': layout(0xf90000, 0x80060000, 0x80060000),
};

/** Finds a layout; FW_FIRMWARE_STEP lists the known names otherwise. */
export function tplinkLayout(layouts: Readonly<Record<string, TplinkLayout>>, name: string): TplinkLayout {
  const found = layouts[name];
  if (found !== undefined) return found;
  throw new FormatError('FW_FIRMWARE_STEP', `unknown TP-Link flash layout ${name}`, {
    hint: `known layouts: ${Object.keys(layouts).join(', ')}`,
    data: { expected: Object.keys(layouts), found: name },
  });
}

/** What stands behind the header. */
export interface TplinkBody {
  readonly kernel: Uint8Array;
  readonly rootfs: Uint8Array;
  readonly layout: TplinkLayout;
  /** Alignment of the root file system from the start of the image. */
  readonly rootfsAlignment: number;
  /** Bytes at the end of the layout that kernel and root must leave free. */
  readonly reserve: number;
  /** `cut`: ends behind the last marker; `full`: filled up with 0xFF to the layout's length. */
  readonly length: 'cut' | 'full';
}

/**
 * Assembles the image with an empty header: kernel, gap of 0xFF, root file system, end markers at 4 and 64 KiB.
 *
 * @returns the image, its header still zero, and where the root file system starts
 * @throws BudgetError FW_BUDGET_CHECK_SIZE when kernel and root do not fit the layout
 */
export function assembleTplinkBody(body: TplinkBody): { image: Uint8Array; rootfsOffset: number } {
  const { kernel, rootfs, layout: limits } = body;
  const rootfsOffset = roundUp(tplinkHeaderSize + kernel.length, body.rootfsAlignment);
  const end = rootfsOffset + rootfs.length;
  const limit = limits.length - body.reserve;
  if (end > limit)
    throw new BudgetError(
      'FW_BUDGET_CHECK_SIZE',
      `header, kernel and rootfs do not fit the TP-Link layout: ${groupDigits(end)} of ${groupDigits(limit)} bytes, ${groupDigits(end - limit)} over`,
      {
        hint: 'firmwright budget shows what takes the space',
        data: { what: 'TP-Link image', limit, use: end, overBy: end - limit },
      },
    );
  const filled = new Uint8Array(end).fill(0xff);
  filled.fill(0, 0, tplinkHeaderSize);
  filled.set(kernel, tplinkHeaderSize);
  filled.set(rootfs, rootfsOffset);
  const marked = padJffs2(filled, [4096, 65536]);
  const image = new Uint8Array(
    body.length === 'full' ? limits.length : Math.min(limits.length, marked.length),
  ).fill(0xff);
  image.set(marked.subarray(0, image.length));
  return { image, rootfsOffset };
}

/** Reverses the bytes of a 32-bit number, as little-endian boards want load and entry. */
export function swapWord(value: number): number {
  return (
    ((value & 0xff) * 0x1000000 + ((value & 0xff00) << 8) + ((value >>> 8) & 0xff00) + (value >>> 24)) >>> 0
  );
}
