/**
 * Faults of an image that make every flow on it pointless, each said once and by name, before the device is made.
 *
 * A dump of a chip is never looked at here: flash may be in any state, and the flows tell what comes of it.
 */
import { findPartition, type BoardProfile } from '../../boards/index.js';
import { FormatError, groupDigits, type ErrorDetails } from '../../core/index.js';
import { fwtoolTrailerTable, readChunks, splitFirmware } from '../../firmware/index.js';
import { bootLoaderRefusal } from '../device/boot-loader.js';
import { devicesOfMetadata } from '../upgrade/image-checks.js';
import { imageMetadata } from '../upgrade/image-metadata.js';

const inspectHint = 'firmwright inspect FILE tells what is in it';
const trailerMagic = 0x46577830;

/**
 * Checks an image that is to be put into `firmware` of an empty chip.
 *
 * @throws FormatError FW_EMULATOR_IMAGE for an image of another board, one that is cut off, one whose trailer is damaged, or
 *   one that the boot loader or the kernel would not start
 */
export function checkImageFor(profile: BoardProfile, image: Uint8Array): void {
  if (image.length === 0) throw fault('the image is empty');
  const refusal = bootLoaderRefusal(image, profile);
  if (refusal !== undefined) throw fault(`board ${profile.id} would not start this image: ${refusal}`);
  checkDevices(profile, image);
  checkRoot(profile, image);
  checkTrailer(image);
}

function checkDevices(profile: BoardProfile, image: Uint8Array): void {
  const json = imageMetadata(image);
  const devices = json === undefined ? undefined : devicesOfMetadata(json);
  if (json !== undefined && devices === undefined)
    throw fault('the metadata of the image is not the JSON that sysupgrade reads');
  const names = [profile.boardName, ...profile.supportedDevices];
  if (!devices || devices.some((device) => names.includes(device))) return;
  throw fault(`the image is for ${devices.join(', ') || 'no device'}, not for ${profile.boardName}`, {
    data: { expected: profile.boardName, found: devices.join(', ') },
  });
}

/** The kernel must find a squashfs behind its own image, and all of it. */
function checkRoot(profile: BoardProfile, image: Uint8Array): void {
  const size = findPartition(profile, 'firmware')?.size ?? image.length;
  const partition = new Uint8Array(Math.max(size, image.length)).fill(0xff);
  partition.set(image);
  const { rootfs, problem, squashfsSize } = splitFirmware(partition, profile);
  if (!rootfs || squashfsSize === undefined) {
    const other = bigEndianSquashfs(image, profile.flash.eraseSize);
    const what =
      other === undefined
        ? (problem ?? 'no rootfs')
        : `the squashfs at 0x${other.toString(16)} is big-endian, which Linux does not mount`;
    throw fault(`board ${profile.id} would not start this image: ${what}`);
  }
  const end = rootfs.offset + squashfsSize;
  if (end <= image.length) return;
  throw fault(
    `the image is cut off: its squashfs ends at ${groupDigits(end)}, the file at ${groupDigits(image.length)}`,
    { data: { expected: end, found: image.length } },
  );
}

/** Squashfs of other byte orders starts with `sqsh`. */
function bigEndianSquashfs(image: Uint8Array, eraseSize: number): number | undefined {
  for (let offset = 0; offset + 4 <= image.length; offset += eraseSize) {
    if (Buffer.from(image.subarray(offset, offset + 4)).toString('latin1') === 'sqsh') return offset;
  }
  return undefined;
}

/** A trailer that is there and is not read is worse than none: devices say that the image has no metadata. */
function checkTrailer(image: Uint8Array): void {
  const offset = image.length - fwtoolTrailerTable.size;
  if (offset < 0 || readChunks(image).length > 0) return;
  const trailer = fwtoolTrailerTable.read(image, offset);
  if (trailer.magic !== trailerMagic) return;
  throw fault(
    `the trailer at 0x${offset.toString(16)} is damaged or its chunk of ${groupDigits(trailer.size)} bytes is larger than devices read: they find no metadata`,
  );
}

function fault(message: string, details: ErrorDetails = {}): FormatError {
  return new FormatError('FW_EMULATOR_IMAGE', message, { hint: inspectHint, ...details });
}
