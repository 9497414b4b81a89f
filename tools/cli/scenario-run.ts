/** One run of `emulate`: a device, the steps on it, and the command line that repeats them. */
import { dirname, resolve } from 'node:path';
import { UsageError } from '../core/index.js';
import {
  chipFromImage,
  Device,
  runScenario,
  wearByPartition,
  type BranchName,
  type OrderReplay,
  type ScenarioRun,
  type StepReport,
} from '../emulator/index.js';
import { loadBoard } from './board-profiles.js';
import { readImage } from './input-files.js';
import { writeBeside } from './output-files.js';
import type { ScenarioRunResult } from './render/scenario-runs.js';
import { shellLine } from './render/shell-words.js';

/** What the command line says of a run. */
export interface RunArguments {
  readonly scenario: string;
  readonly image?: string | undefined;
  readonly upgrade?: string | undefined;
  readonly set: readonly string[];
  readonly safeCarrier: boolean;
  readonly replay?: string | undefined;
  readonly flash?: string | undefined;
  readonly snapshot: boolean;
  readonly branch?: BranchName | undefined;
}

/**
 * Runs one combination of a scenario on a device made for it.
 *
 * @param board  id or profile file
 * @throws UsageError without an image; as `chipFromImage`
 */
export function runOnDevice(run: ScenarioRun, board: string, args: RunArguments): ScenarioRunResult {
  const folder = dirname(resolve(args.scenario));
  const name = args.flash ?? args.image ?? (run.image === undefined ? undefined : resolve(folder, run.image));
  if (name === undefined) {
    throw new UsageError('FW_USAGE_ARGUMENT', `scenario ${args.scenario} names no image`, {
      hint: 'add --image FILE or --flash DUMP',
    });
  }
  const image = readImage(name);
  const profile = loadBoard(board);
  const chip = chipFromImage(profile, image);
  const branch = args.branch ?? run.branch;
  const { safeCarrier } = args;
  const { scriptEffects } = run;
  const device = new Device({ profile, chip, safeCarrier, scriptEffects, ...(branch ? { branch } : {}) });
  const files = {
    image,
    ...(args.upgrade === undefined ? {} : { upgrade: readImage(args.upgrade) }),
    read: (file: string) => readImage(resolve(folder, file)),
  };
  const report = runScenario(run.name, run.steps, device, files, orderReplay(args.replay));
  // A run that fails leaves the dump as it was: its replay line starts from there.
  if (args.flash !== undefined && !args.snapshot && report.passed) writeBeside(args.flash, chip.image());
  const wear = [...chip.wear()];
  chip.powerOn();
  const partitions = wearByPartition(profile, wear, device.split());
  return { report, wear, partitions, replay: replayLine(run, board, name, args, report.steps) };
}

/** The command line that repeats one run. */
function replayLine(
  run: ScenarioRun,
  board: string,
  image: string,
  args: RunArguments,
  steps: readonly StepReport[],
): string {
  const words = ['firmwright', 'emulate', args.scenario, '--only', run.name, '--board', board];
  words.push(...(args.flash === undefined ? ['--image', image] : ['--flash', args.flash, '--snapshot']));
  const branch = args.branch ?? run.branch;
  if (branch) words.push('--branch', branch);
  if (args.upgrade !== undefined) words.push('--upgrade', args.upgrade);
  for (const setting of args.set) words.push('--set', setting);
  if (args.safeCarrier) words.push('--safe-carrier');
  const order = steps.find(({ seed }) => seed !== undefined);
  if (order) words.push('--replay', `${order.step}:${order.seed ?? 0}`);
  return shellLine(words);
}

function orderReplay(text: string | undefined): OrderReplay | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d+):(\d+)$/.exec(text);
  if (!match) throw new UsageError('FW_USAGE_ARGUMENT', `--replay ${text}: expected STEP:SEED, as in 4:17`);
  return { step: Number(match[1]), seed: Number(match[2]) };
}
