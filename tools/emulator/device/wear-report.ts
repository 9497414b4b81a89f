/** Wear of a chip by partition: which part of the flash ages, and how fast. */
import type { BoardProfile } from '../../boards/index.js';
import type { FirmwareSplit } from '../../firmware/index.js';

/** Erases of one partition. */
export interface PartitionWear {
  readonly label: string;
  readonly eraseBlocks: number;
  /** Of all its blocks together. */
  readonly erases: number;
  /** Of its most worn block. */
  readonly most: number;
}

/**
 * Adds up erases by partition; `firmware` is told as what stands before rootfs_data, and rootfs_data.
 *
 * @param wear   erases of each block of the chip
 * @param split  where rootfs_data is, when it is known
 */
export function wearByPartition(
  profile: BoardProfile,
  wear: readonly number[],
  split: FirmwareSplit | undefined,
): readonly PartitionWear[] {
  const { eraseSize } = profile.flash;
  return profile.partitions.flatMap(({ label, offset, size }) => {
    const volume = label === 'firmware' ? split?.rootfsData : undefined;
    const parts = volume
      ? [
          { label: 'firmware before rootfs_data', offset, size: volume.offset },
          { label: 'rootfs_data', offset: offset + volume.offset, size: volume.size },
        ]
      : [{ label, offset, size }];
    return parts.map((part) => {
      const blocks = wear.slice(
        Math.floor(part.offset / eraseSize),
        Math.ceil((part.offset + part.size) / eraseSize),
      );
      return {
        label: part.label,
        eraseBlocks: blocks.length,
        erases: blocks.reduce((sum, count) => sum + count, 0),
        most: Math.max(0, ...blocks),
      };
    });
  });
}
