/** `emulate`: runs a scenario file on the emulated device. */
import { UsageError } from '../../core/index.js';
import { findingTexts, loadScenario } from '../../emulator/index.js';
import { defineCommand, example } from '../command.js';
import type { EmulateDocument } from '../documents/check.js';
import { junitOfRuns, renderRuns, type ScenarioRunResult } from '../render/scenario-runs.js';
import { readText } from '../input-files.js';
import { writeBeside } from '../output-files.js';
import { boardOption, branchOption, jobsOption, powerCutsOption } from '../device-options.js';
import { runOnDevice } from '../scenario-run.js';

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
      .option('flash', {
        type: 'string',
        describe: 'dump of the chip to run on; changed in place when the scenario passes',
      })
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
        describe:
          'only this power cut, as a report names it; or STEP:SEED: only this order of a step `together`',
      })
      .option('power-cuts', {
        ...powerCutsOption,
        describe: 'cut the power at flash operations of each step, and during recovery',
      })
      .option('jobs', jobsOption)
      .option('safe-carrier', {
        type: 'boolean',
        default: false,
        describe: 'carry settings in a form that survives garbage collection, unlike `mtd -j`',
      })
      .option('timeline', { type: 'boolean', default: false, describe: 'print what happened when' })
      .option('junit', { type: 'string', describe: 'also write the result to this file as JUnit XML' })
      .example(...example('$0 emulate reset.yaml --image image.bin --board ubnt_unifi-ap', 'one scenario'))
      .example(
        ...example(
          '$0 emulate reset.yaml --flash dump.bin --board ubnt_unifi-ap --snapshot --timeline',
          'on a dump, which is left alone',
        ),
      )
      .example(
        ...example(
          '$0 emulate upgrade.yaml --image image.bin --board ubnt_unifi-ap --power-cuts sample',
          'and with the power cut in every step',
        ),
      ),
  async (args, session) => {
    const all = loadScenario(readText(args.scenario, 'a scenario'), args.scenario, variablesOf(args.set));
    const chosen = all.filter(({ name }) => args.only === undefined || name === args.only);
    if (chosen.length === 0) {
      throw new UsageError('FW_USAGE_ARGUMENT', `scenario ${args.scenario} has no run "${args.only ?? ''}"`, {
        hint: `it has ${all.map(({ name }) => `"${name}"`).join(', ')}`,
      });
    }
    const runs: ScenarioRunResult[] = [];
    for (const run of chosen) {
      const board = args.board ?? run.board;
      if (board === undefined) {
        throw new UsageError('FW_USAGE_ARGUMENT', `scenario ${args.scenario} names no board`, {
          hint: 'add --board ID, or `board:` to the scenario',
        });
      }
      runs.push(await runOnDevice(run, board, args, session));
    }
    if (args.junit !== undefined) writeBeside(args.junit, junitOfRuns(runs));
    const document = documentOf(runs);
    session.result(document, () => renderRuns(runs, args.timeline, session.style));
    return document.passed ? 0 : 11;
  },
);

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
    passed: runs.every(({ passed }) => passed),
    runs: runs.map(({ report, passed, cuts, wear, partitions, replay }) => ({
      ...report,
      passed,
      cuts: cuts.map((table) => ({ ...table, violations: [...table.violations] })),
      steps: report.steps.map((step) => ({ ...step, problems: [...step.problems] })),
      findings: report.findings.map((finding) => ({ ...finding, text: findingTexts[finding.code] })),
      timeline: [...report.timeline],
      wear: [...wear],
      wearByPartition: [...partitions],
      replay,
    })),
  };
}
