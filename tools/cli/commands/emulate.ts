/** `emulate`: runs a scenario file on the emulated device. */
import { dirname, resolve } from 'node:path';
import { UsageError } from '../../core/index.js';
import {
  chipFromImage,
  Device,
  findingTexts,
  loadScenario,
  runScenario,
  wearByPartition,
  type BranchName,
  type OrderReplay,
  type ScenarioRun,
  type StepReport,
} from '../../emulator/index.js';
import { loadBoard } from '../board-profiles.js';
import { defineCommand } from '../command.js';
import type { EmulateDocument } from '../documents/check.js';
import { junitOfRuns, renderRuns, type ScenarioRunResult } from '../render/scenario-runs.js';
import { readImage, readText } from '../input-files.js';
import { writeBeside } from '../output-files.js';
import { boardOption, branchOption } from '../option-values.js';
import { shellLine } from '../render/shell-words.js';

/** The verb. */
export const emulate = defineCommand(
  (yargs) =>
    yargs
      .positional('scenario', { type: 'string', demandOption: true, describe: 'scenario file (YAML)' })
      .option('image', {
        type: 'string',
        describe: 'image to flash first; default: the one the scenario names',
      })
      .option('upgrade', {
        type: 'string',
        describe: 'what steps call the image `upgrade`; default: the same',
      })
      .option('flash', { type: 'string', describe: 'dump of the chip to run on; changed in place' })
      .option('snapshot', { type: 'boolean', default: false, describe: 'leave the dump as it is' })
      .option('board', {
        ...boardOption,
        describe: 'board id or profile file; as the scenario says when absent',
      })
      .option('branch', branchOption)
      .option('set', {
        type: 'array',
        string: true,
        default: [] as string[],
        describe: 'NAME=VALUE: a variable of the scenario, instead of the value in the file',
      })
      .option('only', { type: 'string', describe: 'run only the run of the matrix that has this name' })
      .option('replay', {
        type: 'string',
        describe: 'STEP:SEED: of the step `together` with this number, only the order of this seed',
      })
      .option('safe-carrier', {
        type: 'boolean',
        default: false,
        describe: 'carry settings in a form that survives garbage collection, unlike `mtd -j`',
      })
      .option('timeline', { type: 'boolean', default: false, describe: 'print what happened when' })
      .option('junit', { type: 'string', describe: 'also write the result to this file as JUnit XML' })
      .example('$0 emulate reset.yaml --image image.bin --board ubnt_unifi-ap', 'one scenario')
      .example(
        '$0 emulate reset.yaml --flash dump.bin --snapshot --timeline',
        'on a dump, which is left alone',
      ),
  (args, session) => {
    const all = loadScenario(readText(args.scenario, 'a scenario'), args.scenario, variablesOf(args.set));
    const chosen = all.filter(({ name }) => args.only === undefined || name === args.only);
    if (chosen.length === 0) {
      throw new UsageError('FW_USAGE_ARGUMENT', `scenario ${args.scenario} has no run "${args.only ?? ''}"`, {
        hint: `it has ${all.map(({ name }) => `"${name}"`).join(', ')}`,
      });
    }
    const runs = chosen.map((run) => {
      const board = args.board ?? run.board;
      if (board === undefined) {
        throw new UsageError('FW_USAGE_ARGUMENT', `scenario ${args.scenario} names no board`, {
          hint: 'add --board ID, or `board:` to the scenario',
        });
      }
      return runOne(run, board, args);
    });
    if (args.junit !== undefined) writeBeside(args.junit, junitOfRuns(runs));
    const document = documentOf(runs);
    session.result(document, () => renderRuns(runs, args.timeline, session.style));
    return Promise.resolve(document.passed ? 0 : 11);
  },
);

interface RunArguments {
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

function runOne(run: ScenarioRun, board: string, args: RunArguments): ScenarioRunResult {
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
  if (args.flash !== undefined && !args.snapshot) {
    writeBeside(args.flash, chip.image());
  }
  const wear = [...chip.wear()];
  chip.powerOn();
  const partitions = wearByPartition(profile, wear, device.split());
  return { report, wear, partitions, replay: replayLine(run, board, name, args, report.steps) };
}

/** The command line that repeats one run; a dump that was changed in place is another one now. */
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

function variablesOf(settings: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    settings.map((setting) => {
      const at = setting.indexOf('=');
      if (at < 1) throw new UsageError('FW_USAGE_ARGUMENT', `--set ${setting}: expected NAME=VALUE`);
      return [setting.slice(0, at), setting.slice(at + 1)];
    }),
  );
}

function documentOf(runs: readonly ScenarioRunResult[]): EmulateDocument {
  return {
    schemaVersion: 1,
    passed: runs.every(({ report }) => report.passed),
    runs: runs.map(({ report, wear, partitions, replay }) => ({
      ...report,
      steps: report.steps.map((step) => ({ ...step, problems: [...step.problems] })),
      findings: report.findings.map((finding) => ({ ...finding, text: findingTexts[finding.code] })),
      timeline: [...report.timeline],
      wear: [...wear],
      wearByPartition: [...partitions],
      replay,
    })),
  };
}
