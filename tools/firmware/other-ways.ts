/**
 * Images that are flashed in another way than into the partition `firmware`: a boot loader writes them over itself, or they hold
 * volumes for NAND flash. Taken for an image of `firmware` they would pass some checks, and mean nothing.
 *
 * @see SPEC.md "Other ways"
 */
import { crc32, FormatError } from '../core/index.js';
import { startsWith, wordBe } from './bytes.js';
import type { ChipLayout } from './chip-layout.js';

interface OtherWay {
  /** Where it is recognised, from the start of the file; undefined when it is not. */
  readonly find: (image: Uint8Array, board: ChipLayout) => number | undefined;
  readonly what: (offset: number) => string;
  readonly hint: string;
}

const useSysupgrade = 'use the sysupgrade.bin of the same build';

const otherWays: readonly OtherWay[] = [
  {
    find: embeddedFirmware,
    what: (offset) =>
      `an image for the EVA boot loader: it begins with another boot loader, and firmware follows at 0x${offset.toString(16)}`,
    hint: useSysupgrade,
  },
  {
    find: (image) => (isSysupgradeTar(image) ? 0 : undefined),
    what: () => 'a sysupgrade tar, as boards with NAND flash have: its kernel and root go into volumes',
    hint: 'firmwright unpack FILE -C DIR takes it apart',
  },
  {
    find: ubiOffset,
    what: (offset) => `an image for NAND flash: UBI begins at 0x${offset.toString(16)}`,
    hint: 'firmwright inspect FILE tells what is in it',
  },
];

/**
 * Refuses an image that is not for the partition `firmware`.
 *
 * @throws FormatError FW_FIRMWARE_OTHER_WAY, which says what it is and what to use instead
 */
export function refuseOtherWay(image: Uint8Array, board: ChipLayout): void {
  for (const { find, what, hint } of otherWays) {
    const offset = find(image, board);
    if (offset === undefined) continue;
    throw new FormatError(
      'FW_FIRMWARE_OTHER_WAY',
      `the image is not one for "firmware" but ${what(offset)}`,
      {
        hint,
        data: { offset },
      },
    );
  }
}

const deviceTreeMagic = 0xd00dfeed;

/** Finds a FIT behind what fills the partition before `firmware`, where the image does not begin with one. */
function embeddedFirmware(image: Uint8Array, { partitions }: ChipLayout): number | undefined {
  const firmware = partitions.find(({ label }) => label === 'firmware');
  const before = partitions.filter(({ offset, size }) => firmware && offset + size === firmware.offset);
  const isFit = (offset: number): boolean => wordBe(image, offset) === deviceTreeMagic;
  return isFit(0) ? undefined : before.map(({ size }) => size).find(isFit);
}

function isSysupgradeTar(image: Uint8Array): boolean {
  return startsWith(image, Buffer.from('sysupgrade-')) && startsWith(image, Buffer.from('ustar'), 257);
}

const ubiHeader = { magic: 0x55424923, checked: 60, step: 0x800 } as const;

/** Finds the first erase counter header of UBI; pages of NAND have 2 KiB or more. */
function ubiOffset(image: Uint8Array): number | undefined {
  const { magic, checked, step } = ubiHeader;
  for (let offset = 0; offset + checked + 4 <= image.length; offset += step) {
    if (wordBe(image, offset) !== magic) continue;
    const crc = (crc32(image.subarray(offset, offset + checked)) ^ 0xffffffff) >>> 0;
    if (wordBe(image, offset + checked) === crc) return offset;
  }
  return undefined;
}
