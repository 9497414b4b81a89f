/** `build`: plans, carries out, counts the budget, and keeps the result only when it fits. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { executeBuild } from '../../build/index.js';
import type { StagedBuild } from '../../build/index.js';
import type { FlashBudget } from '../../budget/index.js';
import { UsageError } from '../../core/index.js';
import { makeFolder } from '../../rootfs/index.js';
import { loadBoard } from '../board-profiles.js';
import { executeOptions, planFrom, withBuildOptions } from '../build-options.js';
import { budgetError, budgetsByBoard, recordedBudgets } from '../budgets.js';
import { defineCommand, example } from '../command.js';
import type { Session } from '../command.js';
import { endOfLinks, writeBeside } from '../output-files.js';
import { readKey } from '../key-files.js';
import { renderBudget } from '../render/budget.js';
import { planDocument, renderPlan } from '../render/plan.js';
import { renderTable } from '../render/table.js';
import { isUnpackedSet, repackSet } from '../unpacked/read-set.js';
import { reportRepacked } from '../unpacked/report.js';
import { verifyBuild } from '../verify-build.js';

/** The verb. */
export const build = defineCommand(
  (yargs) =>
    withBuildOptions(
      yargs.positional('recipe', {
        type: 'string',
        demandOption: true,
        describe: 'images/<name>/image.yaml, or a folder that unpack made',
      }),
    )
      .option('out', { alias: 'o', type: 'string', default: 'out', describe: 'folder for the artefacts' })
      .option('sign-key', {
        type: 'string',
        describe: 'usign or signify secret key: images with metadata are signed',
      })
      .option('verify', {
        type: 'string',
        requiresArg: true,
        describe: 'build anew, keep nothing, and compare with the artefacts in this folder',
      })
      .option('plan', { type: 'boolean', default: false, describe: 'print what would be done, and stop' })
      .option('force', { type: 'boolean', default: false, describe: 'pack anew, as --no-cache does' })
      .group(['jobs', 'cache', 'force'], 'How it is packed:')
      .group(['out', 'sign-key', 'verify', 'plan'], 'What comes out:')
      .example(
        ...example(
          '$0 build images/demo/image.yaml -b ubnt_unifi-ap --kernel vmlinux.lzma',
          'artefacts in out/',
        ),
      )
      .example(
        ...example(
          '$0 build images/demo/image.yaml -b ubnt_unifi-ap -b glinet_gl-mt300n-v2 --kernel k.bin --plan',
          'only the plan',
        ),
      )
      .example(
        ...example(
          '$0 build image.yaml -b ubnt_unifi-ap --rootfs root.tar.xz --kernel k.bin -o out',
          'a root of your own',
        ),
      )
      .example(
        ...example(
          '$0 build images/demo/image.yaml -b ubnt_unifi-ap --kernel vmlinux.lzma --verify out',
          'exit code 12 unless the same bytes come out',
        ),
      )
      .example(...example('$0 build parts -o out', 'puts together what unpack took apart, edited or not')),
  async (args, session) => {
    if (isUnpackedSet(args.recipe)) {
      await buildFromSet(args.recipe, args, session);
      return 0;
    }
    const { plan, profiles } = planFrom(args.recipe, args, session);
    const options = {
      ...executeOptions({ ...args, cache: args.cache && !args.force }, session),
      signingKey: args.signKey === undefined ? undefined : readKey(args.signKey),
    };
    if (args.plan) {
      session.result({ schemaVersion: 1, ...planDocument(plan) }, () => renderPlan(plan, session.style));
      return 0;
    }
    if (args.verify !== undefined) {
      await verifyBuild(args.verify, plan, profiles, options, session);
      return 0;
    }
    await using staged = await executeBuild(plan, profiles, {
      ...options,
      outputFolder: folderFor(args.out),
    });
    const budgets = await recordedBudgets(staged, session.signal);
    const failure = budgetError(budgets);
    if (failure) {
      for (const budget of budgets) session.note(renderBudget(budget, session.style));
      throw failure;
    }
    const files = await staged.commit(budgetsByBoard(budgets));
    session.result(documentOf(staged, budgets, files), () => renderBuild(staged, budgets, files, session));
    return 0;
  },
);

/**
 * The folder to make, or that is there; a link that leads to no folder yet stays a link.
 *
 * @throws UsageError FW_USAGE_FILE for a file
 */
function folderFor(out: string): string {
  const found = statSync(out, { throwIfNoEntry: false });
  if (found === undefined) return endOfLinks(out);
  if (found.isDirectory()) return out;
  throw new UsageError('FW_USAGE_FILE', `${out} is a file where a folder is expected`, {
    hint: 'name another folder with --out',
  });
}

/** Puts an unpacked set together, under the name of the file that was unpacked. */
async function buildFromSet(
  folder: string,
  { board, out }: { readonly board: readonly string[]; readonly out: string },
  session: Session,
): Promise<void> {
  const [id, ...others] = board;
  if (others.length > 0)
    throw new UsageError('FW_USAGE_BOARD', `an unpacked set is for one board, not ${board.length}`);
  const repacked = await repackSet(folder, id === undefined ? undefined : loadBoard(id), session);
  const folderOut = folderFor(out);
  makeFolder(folderOut);
  const image = join(folderOut, repacked.source);
  writeBeside(image, repacked.bytes);
  reportRepacked(repacked, image, session);
}

function documentOf(
  staged: StagedBuild,
  budgets: readonly FlashBudget[],
  files: readonly string[],
): { schemaVersion: number } & Record<string, unknown> {
  return {
    schemaVersion: 1,
    files,
    boards: staged.boards.map(({ profile, packed, files: made }, i) => ({
      board: profile.id,
      squashfs: { size: packed.bytes.length, sha256: packed.sha256, cached: packed.cached },
      files: made,
      budget: budgets[i],
    })),
  };
}

function renderBuild(
  staged: StagedBuild,
  budgets: readonly FlashBudget[],
  files: readonly string[],
  { style }: Session,
): string {
  const reports = budgets.map((budget) => `${renderBudget(budget, style)}\n`).join('');
  const sizes = new Map(staged.boards.flatMap((board) => board.files.map((file) => [file.name, file.size])));
  const rows = files.map((path) => {
    const size = sizes.get(path.split('/').at(-1) ?? '');
    return [path, size];
  });
  return (
    reports +
    renderTable([{ heading: 'artefact' }, { heading: 'size bytes', align: 'right' }], rows, style.bold)
  );
}
