/** `check`: proves boot, reset and upgrade of an image on the emulated board. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { UsageError } from '../../core/index.js';
import {
  branchNames,
  checkImage,
  cutOutcomes,
  parseCutPoint,
  type CheckReport,
  type CutProgress,
} from '../../emulator/index.js';
import { boardOfImage } from '../board-profiles.js';
import { defineCommand, type Session } from '../command.js';
import { cutProgress } from '../documents/cut-progress.js';
import type { CheckDocument } from '../documents/check.js';
import { readImage, writeBeside } from '../image-files.js';
import { boardOption } from '../option-values.js';
import { renderJunit } from '../render/junit.js';
import { renderTable } from '../render/table.js';

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
      .option('branch', { choices: branchNames, describe: 'OpenWrt branch whose flows are run' })
      .option('power-cuts', {
        choices: ['none', 'sample', 'all'] as const,
        default: 'none' as const,
        describe: 'cut the power at flash operations of first boot, reset and upgrade, and during recovery',
      })
      .option('jobs', {
        type: 'number',
        describe: 'processes for --power-cuts all; default: one for each processor',
      })
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
      .example('$0 check image.bin --board ubnt_unifi-ap', 'boot, reset and upgrade')
      .example(
        '$0 check image.bin --board ubnt_unifi-ap --power-cuts sample',
        'and with the power cut, in seconds',
      )
      .example(
        '$0 check old.bin --upgrade new.bin --board ubnt_unifi-ap',
        'and the upgrade to a newer image',
      ),
  async (args, session) => {
    const image = readImage(args.image);
    const upgrade = args.upgrade === undefined ? undefined : readImage(args.upgrade);
    const profile = boardOfImage(args.board, image, args.image);
    const progress = args.resume === undefined ? undefined : readProgress(args.resume);
    const report = await session.tasks.run('check', (task) => {
      const breathe = (): Promise<void> =>
        new Promise((resolve, reject) => {
          setImmediate(() => {
            if (session.signal.aborted) reject(session.signal.reason as Error);
            else resolve();
          });
        });
      return checkImage({
        profile,
        image,
        powerCuts: args.powerCuts,
        safeCarrier: args.safeCarrier,
        onProof: breathe,
        onCut: (done, total, phase) => {
          task.progress(done, total, `cuts of ${phase}`);
          return breathe();
        },
        ...(args.powerCuts === 'all' || args.jobs !== undefined || args.resume !== undefined
          ? { jobs: args.jobs ?? availableParallelism() }
          : {}),
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
    if (args.junit !== undefined) writeBeside(args.junit, junit(report));
    session.result(documentOf(report), () => render(report, args.image, session));
    return report.passed ? 0 : 11;
  },
);

/** Reads what an earlier run kept; none when there is no such file. @throws UsageError FW_USAGE_FILE */
function readProgress(path: string): CutProgress | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return cutProgress.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new UsageError('FW_USAGE_FILE', `${path} is no progress of power cuts`, {
      cause: error,
      hint: 'remove it to begin anew',
    });
  }
}

function documentOf(report: CheckReport): CheckDocument {
  return {
    schemaVersion: 1,
    board: report.board,
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

function render(report: CheckReport, image: string, { style }: Session): string {
  const lines = report.proofs.map(({ title, problems }) =>
    problems.length === 0
      ? `${style.green('proven')}  ${title}`
      : `${style.red('FAILED')}  ${title}${problems.map((problem) => `\n        ${problem}`).join('')}`,
  );
  const text = [`${lines.join('\n')}\n`];
  if (report.cuts.length > 0) {
    text.push(
      renderTable(
        [
          { heading: 'power cuts in' },
          { heading: 'operations', align: 'right' },
          { heading: 'cuts', align: 'right' },
          { heading: 'states', align: 'right' },
          ...cutOutcomes.map((heading) => ({ heading, align: 'right' as const })),
        ],
        report.cuts.map((table) => [
          cutTitle(table),
          table.operations,
          table.cuts,
          table.states,
          ...cutOutcomes.map((outcome) => table.outcomes[outcome]),
        ]),
        style.bold,
      ),
    );
    for (const { violations } of report.cuts) {
      for (const { replay, reason } of violations.slice(0, 10)) {
        text.push(
          `${style.red('VIOLATION')} ${reason}\n  replay: firmwright check ${image} --board ${report.board} --replay ${replay}\n`,
        );
      }
    }
  }
  const byCode = new Map<string, (typeof report.findings)[number][]>();
  for (const finding of report.findings)
    byCode.set(finding.code, [...(byCode.get(finding.code) ?? []), finding]);
  const flaws = [...byCode].map(([code, [first, ...more]]) => {
    const times = more.length > 0 ? `${more.length + 1} x, as ` : '';
    return `  ${style.yellow(code)}: ${first?.text ?? ''} (${times}at ${first?.where ?? ''})\n`;
  });
  if (flaws.length > 0) text.push(`Known flaws of the real flows that this image meets:\n${flaws.join('')}`);
  return text.join('\n');
}

/** What was cut. */
function cutTitle({ phase, during }: CheckReport['cuts'][number]): string {
  return during === 'flow' ? phase : `${phase}, during recovery`;
}

function junit(report: CheckReport): string {
  const proofs = report.proofs.map(({ title, problems }) =>
    problems.length === 0 ? { name: title } : { name: title, failure: problems.join('; ') },
  );
  const cuts = report.cuts.map((table) => {
    const { cuts: count, violations } = table;
    const name = `${count} power cuts in ${cutTitle(table)}`;
    const [first] = violations;
    return first
      ? { name, failure: `${violations.length} violations, first ${first.replay}: ${first.reason}` }
      : { name };
  });
  return renderJunit(`firmwright check ${report.board}`, [...proofs, ...cuts]);
}
