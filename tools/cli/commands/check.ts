/** `check`: proves boot, reset and upgrade of an image on the emulated board. */
import { existsSync, rmSync } from 'node:fs';
import { UsageError } from '../../core/index.js';
import { checkImage, parseCutPoint, type CheckReport, type CutProgress } from '../../emulator/index.js';
import { boardOfImage } from '../board-profiles.js';
import { defineCommand, example } from '../command.js';
import { cutProgress } from '../documents/cut-progress.js';
import type { CheckDocument } from '../documents/check.js';
import { readImage, readInput } from '../input-files.js';
import { writeBeside } from '../output-files.js';
import { cancellationPoint } from '../cancellation-point.js';
import { boardOption, branchOption, jobsOption, powerCutJobs, powerCutsOption } from '../device-options.js';
import { junitOfCheck, renderCheck } from '../render/check.js';
import { shellLine } from '../render/shell-words.js';

/** The verb. */
export const check = defineCommand(
  (yargs) =>
    yargs
      .positional('image', {
        type: 'string',
        demandOption: true,
        describe: 'sysupgrade or factory image, or a dump of the chip',
      })
      .option('board', boardOption)
      .option('upgrade', { type: 'string', describe: 'newer image to upgrade to' })
      .option('branch', branchOption)
      .option('power-cuts', {
        ...powerCutsOption,
        describe: 'cut the power at flash operations of first boot, reset and upgrade, and during recovery',
      })
      .option('jobs', jobsOption)
      .option('resume', {
        type: 'string',
        describe: 'keep the progress of --power-cuts in this file, and go on from it',
      })
      .option('replay', { type: 'string', describe: 'only this power cut, as a report names it' })
      .option('safe-carrier', {
        type: 'boolean',
        default: false,
        describe: 'carry settings in a form that survives garbage collection, unlike `mtd -j`',
      })
      .option('junit', { type: 'string', describe: 'also write the result to this file as JUnit XML' })
      .example(...example('$0 check image.bin --board ubnt_unifi-ap', 'boot, reset and upgrade'))
      .example(
        ...example(
          '$0 check image.bin --board ubnt_unifi-ap --power-cuts sample',
          'and with the power cut, in seconds',
        ),
      )
      .example(
        ...example(
          '$0 check old.bin --upgrade new.bin --board ubnt_unifi-ap',
          'and the upgrade to a newer image',
        ),
      ),
  async (args, session) => {
    const image = await readInput(args.image, session);
    const upgrade = args.upgrade === undefined ? undefined : await readInput(args.upgrade, session);
    const profile = boardOfImage(args.board, image, args.image);
    const progress = args.resume === undefined ? undefined : readProgress(args.resume);
    // What is kept is kept by share.
    const jobs = powerCutJobs(args.resume === undefined ? args.powerCuts : 'all', args.jobs);
    const report = await session.tasks.run('check', (task) => {
      const canStop = (): Promise<void> => cancellationPoint(session.signal);
      return checkImage({
        profile,
        image,
        powerCuts: args.powerCuts,
        safeCarrier: args.safeCarrier,
        onProof: canStop,
        onCut: (done, total, phase) => {
          task.progress(done, total, `cuts of ${phase}`);
          return canStop();
        },
        ...(jobs === undefined ? {} : { jobs }),
        ...(progress ? { cutProgress: progress } : {}),
        onCutShare: (done, total, kept) => {
          task.progress(done, total, 'shares of the power cuts');
          if (args.resume !== undefined) writeBeside(args.resume, JSON.stringify(kept));
        },
        signal: session.signal,
        ...(upgrade ? { upgrade } : {}),
        ...(args.branch ? { branch: args.branch } : {}),
        ...(args.replay === undefined ? {} : { replay: parseCutPoint(args.replay) }),
      });
    });
    if (args.resume !== undefined) rmSync(args.resume, { force: true });
    const replay = (id: string): string => replayLine(args, id);
    if (args.junit !== undefined) writeBeside(args.junit, junitOfCheck(report, replay));
    session.result(documentOf(report), () => renderCheck(report, replay, session.style));
    return report.passed ? 0 : 11;
  },
);

/** Reads what an earlier run kept; none when there is no such file. @throws UsageError FW_USAGE_FILE */
function readProgress(path: string): CutProgress | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return cutProgress.parse(JSON.parse(Buffer.from(readImage(path)).toString()));
  } catch (error) {
    throw new UsageError('FW_USAGE_FILE', `${path} is no progress of power cuts`, {
      cause: error,
      hint: 'remove it to begin anew',
    });
  }
}

/** The command line that repeats one power cut. */
function replayLine(
  args: Readonly<Record<'image', string>> &
    Readonly<Partial<Record<'board' | 'upgrade' | 'branch', string | undefined>>> & {
      readonly safeCarrier: boolean;
    },
  id: string,
): string {
  const words = ['firmwright', 'check', args.image];
  for (const name of ['board', 'upgrade', 'branch'] as const) {
    const value = args[name];
    if (value !== undefined) words.push(`--${name}`, value);
  }
  if (args.safeCarrier) words.push('--safe-carrier');
  return shellLine([...words, '--replay', id]);
}

function documentOf(report: CheckReport): CheckDocument {
  return {
    schemaVersion: 1,
    board: report.board,
    branch: report.branch,
    passed: report.passed,
    proofs: report.proofs.map(({ id, title, problems }) => ({ id, title, problems: [...problems] })),
    cuts: report.cuts.map(({ violations, outcomes, ...table }) => ({
      ...table,
      outcomes: { ...outcomes },
      violations: [...violations],
    })),
    findings: [...report.findings],
  };
}
