import type { BoardProfile } from '../boards/index.js';
import type { Clock } from '../core/index.js';
import { ScenarioError } from '../core/index.js';
import { boot, chipFromImage, Device } from '../emulator/index.js';
import type { BranchName, RunningSystem } from '../emulator/index.js';

/** What a caller may choose. */
interface BootedDeviceOptions {
  readonly clock?: Clock | undefined;
  /** Release whose flows run; default: as the image says. */
  readonly branch?: BranchName | undefined;
}

/**
 * Flashes an image on the emulated board, or takes a dump as its chip, and boots.
 *
 * @param path  of the image, for the hint
 * @throws ScenarioError FW_EMULATOR_NO_BOOT when the device does not come up; as `chipFromImage`
 */
export function bootDevice(
  profile: BoardProfile,
  image: Uint8Array,
  path: string,
  { clock, branch }: BootedDeviceOptions = {},
): RunningSystem {
  const chip = chipFromImage(profile, image);
  const result = boot(new Device({ profile, chip, ...(clock && { clock }), ...(branch && { branch }) }));
  if (result.kind === 'running') return result.system;
  throw new ScenarioError(
    'FW_EMULATOR_NO_BOOT',
    `the device does not boot: ${result.stage}: ${result.reason}`,
    { hint: `firmwright inspect ${path}` },
  );
}
