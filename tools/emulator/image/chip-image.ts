/** From an image file to a chip: a dump is the chip, what is in anything else is written to `firmware` of an erased one. */
import { findPartition, type BoardProfile } from '../../boards/index.js';
import { FormatError, groupDigits, ProfileError } from '../../core/index.js';
import { firmwareContent } from '../../firmware/index.js';
import { FlashPartition, NorChip } from '../../flash/index.js';
import { checkImageFor } from './image-faults.js';
import { mtdWrite } from '../device/mtd.js';

/**
 * Makes the chip of a board that was flashed with `image` on the bench: nothing else on it was ever written.
 *
 * @param file  dump of the whole chip, or an image for the partition `firmware`, also in the container of its vendor
 * @throws ProfileError FW_EMULATOR_BOARD for a board that is not emulated (NAND, no static `firmware`)
 * @throws FormatError FW_EMULATOR_IMAGE when the image is of another size, board or kind; as `firmwareContent`
 */
export function chipFromImage(profile: BoardProfile, file: Uint8Array): NorChip {
  const range = findPartition(profile, 'firmware');
  if (profile.flash.kind !== 'nor' || !range) {
    const why = range ? 'its flash is NAND' : 'it has no fixed partition "firmware"';
    throw new ProfileError('FW_EMULATOR_BOARD', `board ${profile.id} is not emulated: ${why}`, [], {
      hint: 'boards with NOR flash and a fixed partition table are; firmwright inspect FILE tells what is in an image',
    });
  }
  const geometry = { ...profile.flash, writeSize: 1, oobSize: 0 };
  if (file.length === profile.flash.size) return new NorChip({ geometry, content: file });
  const image = imageForFirmware(profile, file);
  if (image.length > range.size) {
    throw new FormatError(
      'FW_EMULATOR_IMAGE',
      `image of ${groupDigits(image.length)} bytes: expected a dump of ${groupDigits(profile.flash.size)} bytes or at most ${groupDigits(range.size)} bytes for "firmware"`,
      { hint: `firmwright boards show ${profile.id}`, data: { found: image.length, expected: range.size } },
    );
  }
  checkImageFor(profile, image);
  const chip = new NorChip({ geometry });
  mtdWrite(new FlashPartition(chip, range), image);
  return chip;
}

/**
 * Finds what stands in `firmware` of a device with this image: its range of a dump, the content of a vendor's container, else
 * the image itself.
 *
 * @throws FormatError as `firmwareContent`
 */
export function imageForFirmware(profile: BoardProfile, file: Uint8Array): Uint8Array {
  if (file.length !== profile.flash.size) return firmwareContent(file, profile);
  const range = findPartition(profile, 'firmware');
  return range ? file.subarray(range.offset, range.offset + range.size) : file;
}
