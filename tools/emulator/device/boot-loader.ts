/**
 * What the boot loader checks before it starts the kernel.
 *
 * U-Boot verifies both checksums of a uImage; loaders of TRX, Seama and WRGG the sum over what their header covers. Others, as
 * far as their sources are known, look at the header only: what they would start and what would not come up is then told by
 * the kernel stage.
 */
import type { BoardProfile } from '../../boards/index.js';
import { FormatError } from '../../core/index.js';
import { headerSum, readUImage, splitFirmware } from '../../firmware/index.js';

/**
 * Checks the image at the start of `firmware`.
 *
 * @param firmware  the partition's bytes, or an image for it
 * @returns why the loader refuses it, in one sentence; undefined when it starts the kernel
 */
export function bootLoaderRefusal(firmware: Uint8Array, profile: BoardProfile): string | undefined {
  if (profile.split.parser === 'uimage') {
    try {
      const { headerCrcOk, dataCrcOk } = readUImage(firmware, 0, profile.headers.uimage?.magic);
      if (!headerCrcOk) return 'uImage header: bad checksum';
      if (!dataCrcOk) return 'uImage kernel: bad checksum';
      return undefined;
    } catch (error) {
      if (error instanceof FormatError) return error.message;
      throw error;
    }
  }
  const split = splitFirmware(firmware, profile);
  if (!split.kernel) return split.problem ?? 'no kernel';
  try {
    const sum = headerSum(firmware, profile);
    return sum === undefined || sum.isRight ? undefined : `${sum.what}: wrong`;
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

/** Where the bytes end that the boot loader's verdict rests on besides kernel and root; 0 when there are none. */
export function endOfCheckedBytes(firmware: Uint8Array, profile: BoardProfile): number {
  try {
    return headerSum(firmware, profile)?.end ?? 0;
  } catch (error) {
    if (error instanceof FormatError) return 0;
    throw error;
  }
}
