/**
 * What the boot loader checks before it starts the kernel.
 *
 * U-Boot verifies both checksums of a uImage. Other loaders, as far as their sources are known, look at the header
 * only: what they would start and what would not come up is then told by the kernel stage.
 */
import type { BoardProfile } from '../../boards/index.js';
import { FormatError } from '../../core/index.js';
import { readUImage, splitFirmware } from '../../firmware/index.js';

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
  return split.kernel ? undefined : (split.problem ?? 'no kernel');
}
