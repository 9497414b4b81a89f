/** A firmware image or flash dump as something to mount: the device is booted on the emulator. */
import { UsageError } from '../../core/index.js';
import type { RunningSystem } from '../../emulator/index.js';
import type { FileSystem } from '../../vfs/index.js';
import { boardOfImage } from '../board-profiles.js';
import { bootDevice } from '../booted-device.js';
import { readImage } from '../input-files.js';
import { FlashFile } from './flash-file.js';

/** What of a device is shown: the root as its programs see it, the squashfs, or the whole JFFS2. */
export const deviceLayers = ['root', 'base', 'overlay'] as const;
/** One of `deviceLayers`. */
export type DeviceLayer = (typeof deviceLayers)[number];

/** How a device is mounted. */
export interface DeviceChoice {
  /** Board id or profile file; undefined: the image says it. */
  readonly board: string | undefined;
  readonly layer: DeviceLayer;
  /** Changes go into the image itself, which must be a dump. */
  readonly write: boolean;
  /** Changes go into a new dump of this name. */
  readonly save: string | undefined;
}

/** A device that is up, with what is to be mounted. */
export interface MountedDevice {
  readonly fileSystem: FileSystem;
  /** Where the chip is kept, if anywhere. */
  readonly flash: FlashFile | undefined;
  /** Ends the device in good order; nothing may be mounted any more. */
  shutdown(): void;
}

/**
 * Boots the device of an image.
 *
 * @throws UsageError FW_USAGE_MOUNT for a layer the device does not have, and for `write` into an image that is no dump
 * @throws ScenarioError FW_EMULATOR_NO_BOOT; as `chipFromImage` and `boardOfImage`
 */
export function openDevice(path: string, { board, layer, write, save }: DeviceChoice): MountedDevice {
  const image = readImage(path);
  const profile = boardOfImage(board, image, path);
  if (write && image.length !== profile.flash.size) {
    throw new UsageError(
      'FW_USAGE_MOUNT',
      `${path} has ${image.length} bytes and is no dump of the ${profile.flash.size} bytes of ${profile.id}`,
      { hint: '--save DUMP keeps the changes in a new file' },
    );
  }
  const clock = { nowNs: () => BigInt(Date.now()) * 1_000_000n };
  const system = bootDevice(profile, image, path, { clock });
  const target = save ?? (write ? path : undefined);
  return {
    fileSystem: layerOf(system, layer),
    flash: target === undefined ? undefined : new FlashFile(target, system.device.chip),
    shutdown: () => {
      system.shutdown();
    },
  };
}

function layerOf(system: RunningSystem, layer: DeviceLayer): FileSystem {
  if (layer === 'root') return system.root;
  if (layer === 'base') return system.rom;
  if (system.jffs2) return system.jffs2;
  throw new UsageError(
    'FW_USAGE_MOUNT',
    `the device has no overlay on its flash: it runs on ${system.mode}`,
    {
      hint: 'firmwright check says why',
    },
  );
}
