/** One run of `emulate`: a device, the steps on it, and the command line that repeats them. */
import { dirname, resolve } from 'node:path';
import { UsageError } from '../core/index.js';
import {
  chipFromImage,
  cutScenario,
  Device,
  parseCutPoint,
  stepThroughScenario,
  wearByPartition,
  type BranchName,
  type CutPoint,
  type CutScenario,
  type OrderReplay,
  type ScenarioRun,
  type StepReport,
  type SweptCuts,
} from '../emulator/index.js';
import { loadBoard } from './board-profiles.js';
import { cancellationPoint } from './cancellation-point.js';
import type { Session } from './command.js';
import { powerCutJobs } from './device-options.js';
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
  readonly powerCuts: 'none' | 'sample' | 'all';
  readonly jobs?: number | undefined;
}

/**
 * Runs one combination of a scenario on a device made for it; when it passes, with the power cuts that were asked for.
 *
 * @param board  id or profile file
 * @throws UsageError without an image; as `chipFromImage`; FormatError FW_EMULATOR_REPLAY
 */
export async function runOnDevice(
  run: ScenarioRun,
  board: string,
  args: RunArguments,
  session: Session,
): Promise<ScenarioRunResult> {
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
  const read: Record<string, Uint8Array> = {};
  const upgrade = args.upgrade === undefined ? undefined : readImage(args.upgrade);
  const files = {
    image,
    ...(upgrade ? { upgrade } : {}),
    read: (file: string) => (read[file] ??= readImage(resolve(folder, file))),
  };
  const { order, cut } = replayOf(args.replay);
  const steps = stepThroughScenario(run.name, run.steps, device, files, order);
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) await cancellationPoint(session.signal);
  const report = step.value;
  const { tables: cuts, findings } =
    report.passed && !order
      ? await cutsOf(
          { ...run, profile, image, upgrade, files: read, branch, safeCarrier },
          cut,
          args,
          session,
        )
      : { tables: [], findings: [] };
  const passed = report.passed && cuts.every(({ violations }) => violations.length === 0);
  // A run that fails leaves the dump as it was: its replay line starts from there.
  if (args.flash !== undefined && !args.snapshot && passed) writeBeside(args.flash, chip.image());
  const wear = [...chip.wear()];
  chip.powerOn();
  const partitions = wearByPartition(profile, wear, device.split());
  const met = new Map(
    [...report.findings, ...findings].map((finding) => [`${finding.code} ${finding.where}`, finding]),
  );
  return {
    report: { ...report, findings: [...met.values()] },
    passed,
    cuts,
    wear,
    partitions,
    replay: replayLine(run, board, name, args, report.steps),
  };
}

/** Cuts the power in a run, if that was asked for. */
async function cutsOf(
  scenario: CutScenario & Pick<ScenarioRun, 'name'>,
  replay: CutPoint | undefined,
  { powerCuts, jobs }: RunArguments,
  { tasks, signal }: Session,
): Promise<SweptCuts> {
  if (!replay && powerCuts === 'none') return { tables: [], findings: [] };
  return tasks.run(`power cuts of ${scenario.name}`, (task) =>
    cutScenario(scenario, {
      mode: powerCuts === 'all' ? 'all' : 'sample',
      replay,
      jobs: powerCutJobs(powerCuts, jobs),
      onCut: (done, total, phase) => {
        task.progress(done, total, `cuts of ${phase}`);
        return cancellationPoint(signal);
      },
      onShare: (done, total) => {
        task.progress(done, total, 'shares of the power cuts');
      },
      signal,
    }),
  );
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

/** What to repeat alone: an order of a step `together`, or a power cut. */
function replayOf(text: string | undefined): { readonly order?: OrderReplay; readonly cut?: CutPoint } {
  if (text === undefined) return {};
  const match = /^(\d+):(\d+)$/.exec(text);
  if (match) return { order: { step: Number(match[1]), seed: Number(match[2]) } };
  try {
    return { cut: parseCutPoint(text) };
  } catch (cause) {
    throw new UsageError(
      'FW_USAGE_ARGUMENT',
      `--replay ${text}: expected STEP:SEED, as in 4:17, or a power cut, as in step-4-sysupgrade:117:half`,
      { cause },
    );
  }
}
