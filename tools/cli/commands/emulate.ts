/** `emulate`: runs a scenario file on the emulated device. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../../core/index.js';
import {
  branchNames,
  chipFromImage,
  Device,
  findingTexts,
  loadScenario,
  runScenario,
  type ScenarioReport,
  type ScenarioRun,
} from '../../emulator/index.js';
import { loadBoard } from '../board-profiles.js';
import { defineCommand, type Session } from '../command.js';
import type { EmulateDocument } from '../documents/check.js';
import { renderJunit } from '../render/junit.js';
import { readInput } from './check.js';

interface RunResult {
  readonly report: ScenarioReport;
  readonly wear: readonly number[];
}

/** The verb. */
export const emulate = defineCommand(
  (yargs) =>
    yargs
      .positional('scenario', { type: 'string', demandOption: true, describe: 'scenario file (YAML)' })
      .option('image', {
        type: 'string',
        describe: 'image to flash first; default: the one the scenario names',
      })
      .option('flash', { type: 'string', describe: 'dump of the chip to run on; changed in place' })
      .option('snapshot', { type: 'boolean', default: false, describe: 'leave the dump as it is' })
      .option('board', { type: 'string', describe: 'board id or profile file; default: the scenario says' })
      .option('branch', { choices: branchNames, describe: 'OpenWrt branch whose flows are run' })
      .option('timeline', { type: 'boolean', default: false, describe: 'print what happened when' })
      .option('junit', { type: 'string', describe: 'also write the result to this file as JUnit XML' })
      .example('$0 emulate reset.yaml --image image.bin --board ubnt_unifi-ap', 'one scenario')
      .example(
        '$0 emulate reset.yaml --flash dump.bin --snapshot --timeline',
        'on a dump, which is left alone',
      ),
  (args, session) => {
    const runs = loadScenario(readFileText(args.scenario), args.scenario).map((run) => {
      const board = args.board ?? run.board;
      if (board === undefined) {
        throw new UsageError('FW_USAGE_ARGUMENT', `scenario ${args.scenario} names no board`, {
          hint: 'add --board ID, or `board:` to the scenario',
        });
      }
      return runOne(run, board, args);
    });
    if (args.junit !== undefined) writeFileSync(args.junit, junit(runs));
    const document = documentOf(runs);
    session.result(document, () => render(runs, args.timeline, session));
    return Promise.resolve(document.passed ? 0 : 11);
  },
);

interface RunArguments {
  readonly scenario: string;
  readonly image?: string | undefined;
  readonly flash?: string | undefined;
  readonly snapshot: boolean;
  readonly branch?: (typeof branchNames)[number] | undefined;
}

function runOne(run: ScenarioRun, board: string, args: RunArguments): RunResult {
  const folder = dirname(resolve(args.scenario));
  const name = args.flash ?? args.image ?? (run.image === undefined ? undefined : resolve(folder, run.image));
  if (name === undefined) {
    throw new UsageError('FW_USAGE_ARGUMENT', `scenario ${args.scenario} names no image`, {
      hint: 'add --image FILE or --flash DUMP',
    });
  }
  const image = readInput(name);
  const chip = chipFromImage(loadBoard(board), image);
  const branch = args.branch ?? run.branch;
  const device = new Device({ profile: loadBoard(board), chip, ...(branch ? { branch } : {}) });
  const report = runScenario(run.name, run.steps, device, {
    image,
    read: (file) => readInput(resolve(folder, file)),
  });
  if (args.flash !== undefined && !args.snapshot) {
    // Beside, then renamed: a dump is never half-written.
    writeFileSync(`${args.flash}.new`, chip.image());
    renameSync(`${args.flash}.new`, args.flash);
  }
  return { report, wear: [...chip.wear()] };
}

function readFileText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError('FW_USAGE_FILE', `cannot read ${path}`, { cause: error });
  }
}

function documentOf(runs: readonly RunResult[]): EmulateDocument {
  return {
    schemaVersion: 1,
    passed: runs.every(({ report }) => report.passed),
    runs: runs.map(({ report, wear }) => ({
      ...report,
      steps: report.steps.map((step) => ({ ...step, problems: [...step.problems] })),
      findings: report.findings.map((finding) => ({ ...finding, text: findingTexts[finding.code] })),
      timeline: [...report.timeline],
      wear: [...wear],
    })),
  };
}

function render(runs: readonly RunResult[], timeline: boolean, { style }: Session): string {
  return runs
    .map(({ report, wear }) => {
      const lines = [
        `${report.passed ? style.green('passed') : style.red('FAILED')}  ${report.name} (${report.board}, ${report.branch})`,
      ];
      for (const { step, kind, outcome, problems } of report.steps) {
        if (outcome === 'done') continue;
        lines.push(`  step ${step} ${kind}: ${outcome}`, ...problems.map((problem) => `    ${problem}`));
      }
      for (const { code, where } of report.findings) {
        lines.push(`  ${style.yellow(code)} at ${where}: ${findingTexts[code]}`);
      }
      if (timeline) {
        for (const { atMs, phase, text } of report.timeline) {
          lines.push(`  ${(atMs / 1000).toFixed(3).padStart(10)} s  ${phase.padEnd(8)}  ${text}`);
        }
        lines.push(
          `  erases per block: at most ${Math.max(0, ...wear)}, ${wear.reduce((a, b) => a + b, 0)} in all`,
        );
      }
      return `${lines.join('\n')}\n`;
    })
    .join('');
}

function junit(runs: readonly RunResult[]): string {
  return renderJunit(
    'firmwright emulate',
    runs.map(({ report }) => {
      const problems = report.steps.flatMap((step) =>
        step.outcome === 'failed'
          ? step.problems.map((problem) => `step ${step.step} ${step.kind}: ${problem}`)
          : [],
      );
      const name = `${report.name} (${report.board}, ${report.branch})`;
      return problems.length === 0 ? { name } : { name, failure: problems.join('; ') };
    }),
  );
}
