/** `tune`: tries ways to pack the root of a board, and says which makes the smallest image that the board can read. */
import { overlayBlocksBehind, tuneSquashfs } from '../../budget/index.js';
import type { TuneReport } from '../../budget/index.js';
import { UsageError } from '../../core/index.js';
import { squashfsTree } from '../../squashfs/index.js';
import { withBuildOptions } from '../build-options.js';
import type { CountedBoard } from '../budgets.js';
import { defineCommand, example } from '../command.js';
import type { Session } from '../command.js';
import { countSubject } from '../count-subject.js';
import { renderTune } from '../render/tune.js';

/** The verb. */
export const tune = defineCommand(
  (yargs) =>
    withBuildOptions(
      yargs.positional('subject', {
        type: 'string',
        demandOption: true,
        describe: 'a recipe (.yaml), or an image: sysupgrade, factory or whole flash',
      }),
    )
      .option('smallest', {
        type: 'boolean',
        default: false,
        describe: 'also try what takes about nine times the CPU of a build',
      })
      .example(
        ...example(
          '$0 tune sysupgrade.bin -b ubnt_unifi-ap',
          'compressors, block sizes, parameters, measured',
        ),
      )
      .example(
        ...example(
          '$0 tune images/demo/image.yaml -b ubnt_unifi-ap --kernel k.bin --smallest',
          'every byte counts',
        ),
      ),
  async (args, session) => {
    const boards = await countSubject(args.subject, args, session);
    const reports: TuneReport[] = [];
    for (const board of boards) reports.push(await tuneBoard(board, args, session));
    session.result({ schemaVersion: 1, boards: reports }, () =>
      reports.map((report) => renderTune(report, session.style)).join('\n'),
    );
    return 0;
  },
);

async function tuneBoard(
  { profile, budget, squashfs }: CountedBoard,
  { smallest, jobs }: { readonly smallest: boolean; readonly jobs?: number | undefined },
  { tasks, signal }: Session,
): Promise<TuneReport> {
  if (!squashfs) {
    throw new UsageError('FW_USAGE_FILE', `the image has no squashfs that board ${profile.id} would find`);
  }
  return tasks.run(`tune ${profile.id}`, (task) =>
    tuneSquashfs(squashfsTree(squashfs), profile, {
      imageTime: 0,
      smallest,
      overlayBlocks: overlayBlocksBehind(profile, budget),
      workers: jobs,
      now: () => performance.now(),
      onProgress: (done, total) => {
        task.progress(done, total);
      },
      signal,
    }),
  );
}
