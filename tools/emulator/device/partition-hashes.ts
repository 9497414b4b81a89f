/** The content of the chip by partition: what must not change, and what did. */
import { hash } from '../tree-digest.js';
import type { Device } from './device.js';

/** Hash of each partition of the chip. */
export function partitionHashes(device: Device): ReadonlyMap<string, string> {
  const image = device.chip.image();
  return new Map(
    device.profile.partitions.map(({ label, offset, size }) => [
      label,
      hash(image.subarray(offset, offset + size)),
    ]),
  );
}
