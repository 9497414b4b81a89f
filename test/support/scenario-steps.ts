/** Runs steps of a scenario, as tests write them, on a device of their own. */
import type { BoardProfile } from '../../tools/boards/index.js';
import {
  chipFromImage,
  Device,
  loadScenario,
  runScenario,
  type BranchName,
  type OrderReplay,
  type ScenarioFiles,
  type ScenarioReport,
} from '../../tools/emulator/index.js';

/** The device that the steps run on. */
export interface StepsDevice {
  readonly profile: BoardProfile;
  /** What it is flashed with. */
  readonly image: Uint8Array;
  readonly branch?: BranchName;
  readonly upgrade?: Uint8Array;
  readonly replay?: OrderReplay;
  /** Files that steps name; default: every name is the image. */
  readonly read?: (name: string) => Uint8Array;
}

/** Runs steps, which are given as they stand in a file below `steps:`. */
export function runSteps(steps: string, options: StepsDevice): ScenarioReport {
  const { profile, image, upgrade, branch, read = () => image, replay } = options;
  const device = new Device({ profile, chip: chipFromImage(profile, image), ...(branch ? { branch } : {}) });
  return runStepsOn(device, steps, { image, ...(upgrade ? { upgrade } : {}), read }, replay);
}

/** Runs steps on a device that the test made. */
export function runStepsOn(
  device: Device,
  steps: string,
  files: ScenarioFiles,
  replay?: OrderReplay,
): ScenarioReport {
  const [scenario] = loadScenario(`name: test\nsteps:\n${steps}`, 'test.yaml');
  if (!scenario) throw new Error('no scenario');
  return runScenario('test', scenario.steps, device, files, replay);
}

/** All problems of a run, step by step. */
export function problemsOf({ steps }: ScenarioReport): readonly string[] {
  return steps.flatMap(({ problems }) => problems);
}
