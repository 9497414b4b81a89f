/** Where a finished image or a dump of the whole chip keeps what the kernel cares for. */
import { findPartition } from '../boards/index.js';
import type { BoardProfile } from '../boards/index.js';
import { firmwareContent, readChunks, splitFirmware } from '../firmware/index.js';
import type { FirmwareSplit } from '../firmware/index.js';

/** The parts of one image on one board; `flash` is a view of the bytes given, the others are one where they can be. */
export interface ImageParts {
  /** Content of the partition `firmware` from its start, without what is appended for sysupgrade. */
  readonly firmware: Uint8Array;
  /** How much of `firmware` is the image, where the rest is what the device wrote; undefined for an image file. */
  readonly imageSize?: number;
  /** The whole chip, where the bytes are a dump of it. */
  readonly flash?: Uint8Array;
  readonly split: FirmwareSplit;
  /** The squashfs from its magic to its end; undefined where the kernel finds none. */
  readonly squashfs?: Uint8Array;
}

/**
 * Finds the parts of an image; bytes as long as the board's chip are taken for a dump of it.
 *
 * @throws FormatError as `firmwareContent`
 */
export function imageParts(bytes: Uint8Array, profile: BoardProfile): ImageParts {
  const place = findPartition(profile, 'firmware');
  const isDump = bytes.length === profile.flash.size && place !== undefined;
  const firmware = isDump
    ? bytes.subarray(place.offset, place.offset + place.size)
    : firmwareContent(bytes.subarray(0, readChunks(bytes).at(-1)?.offset ?? bytes.length), profile);
  const split = splitFirmware(firmware, profile);
  const { rootfs, squashfsSize } = split;
  const end = rootfs && squashfsSize !== undefined ? rootfs.offset + squashfsSize : undefined;
  return {
    firmware,
    split,
    ...(isDump ? { flash: bytes } : {}),
    ...(isDump && end !== undefined ? { imageSize: end } : {}),
    ...(rootfs && end !== undefined ? { squashfs: firmware.subarray(rootfs.offset, end) } : {}),
  };
}
