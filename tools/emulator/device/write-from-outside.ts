/** Flash that is written while the device is off: by a programmer, another system, or a story that a test tells. */
import { findPartition } from '../../boards/index.js';
import { ScenarioError } from '../../core/index.js';
import { FlashPartition } from '../../flash/index.js';
import type { Device } from './device.js';

/**
 * Writes bytes into a partition; erase blocks that are touched in part keep the rest of their content.
 *
 * @param label    of the profile's table, or `rootfs_data`, which is where the kernel finds it now
 * @param content  makes the bytes, given how many fit
 * @throws ScenarioError FW_EMULATOR_PARTITION when the partition is not there or the bytes do not fit
 */
export function writeFromOutside(
  device: Device,
  label: string,
  offset: number,
  content: (room: number) => Uint8Array,
): void {
  device.chip.powerOn();
  const partition = partitionOf(device, label);
  const room = partition.geometry.size - offset;
  const bytes = content(Math.max(0, room));
  if (bytes.length > room) {
    throw new ScenarioError(
      'FW_EMULATOR_PARTITION',
      `partition ${label} has room for ${Math.max(0, room)} bytes at ${offset}, ${bytes.length} are to be written`,
    );
  }
  const { eraseSize } = partition.geometry;
  for (let block = Math.floor(offset / eraseSize); block * eraseSize < offset + bytes.length; block += 1) {
    const start = block * eraseSize;
    const whole = partition.block(block).slice();
    const from = Math.max(0, start - offset);
    whole.set(bytes.subarray(from, start + eraseSize - offset), Math.max(0, offset - start));
    partition.erase(start);
    partition.program(start, whole);
  }
  device.timeline.log('outside', `wrote ${bytes.length} bytes to ${label}`);
}

function partitionOf(device: Device, label: string): FlashPartition {
  const volume = label === 'rootfs_data' ? device.rootfsData(device.split()) : undefined;
  if (volume) return volume;
  const range = findPartition(device.profile, label);
  if (range) return new FlashPartition(device.chip, { label, offset: range.offset, size: range.size });
  throw new ScenarioError('FW_EMULATOR_PARTITION', `board ${device.profile.id} has no partition "${label}"`, {
    hint: `firmwright boards show ${device.profile.id}`,
  });
}
