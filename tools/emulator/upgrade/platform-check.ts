/**
 * What a target's own upgrade script makes of an image, besides its metadata.
 *
 * Source: openwrt target/linux/<target>/base-files/lib/upgrade/platform.sh (`platform_check_image`). Most NOR boards look
 * at nothing: an image that their boot loader will not start is written all the same.
 */
import type { BoardProfile } from '../../boards/index.js';
import { bootLoaderRefusal } from '../device/boot-loader.js';

/** Targets that look for the header of their boot loader. */
const lookingTargets = /^(bcm47xx|bcm53xx)\//;

/** Tells why the target refuses an image; undefined when it takes it. */
export function platformRefusal(image: Uint8Array, profile: BoardProfile): string | undefined {
  return lookingTargets.test(profile.target) ? bootLoaderRefusal(image, profile) : undefined;
}
