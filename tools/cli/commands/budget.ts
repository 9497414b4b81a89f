/** `budget`: the flash budget of a recipe or of an image; exit 10 when it does not fit. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BoardProfile } from '../../boards/index.js';
import { budgetMarkdown, countBudget, attributeImage, imageParts } from '../../budget/index.js';
import type { FlashBudget } from '../../budget/index.js';
import { executeBuild } from '../../build/index.js';
import { loadBoard } from '../board-profiles.js';
import { cacheFolder, planFrom, withBuildOptions } from '../build-options.js';
import type { BuildArguments } from '../build-options.js';
import { budgetError, budgetOfBuilt } from '../budgets.js';
import { defineCommand } from '../command.js';
import type { Session } from '../command.js';
import { renderBudget } from '../render/budget.js';
import { programVersion } from '../version.js';

/** The verb. */
export const budget = defineCommand(
  (yargs) =>
    withBuildOptions(
      yargs.positional('subject', {
        type: 'string',
        demandOption: true,
        describe: 'a recipe (.yaml), or an image: sysupgrade, factory or whole flash',
      }),
    )
      .option('top', { type: 'number', default: 20, describe: 'how many of the costliest files to list' })
      .option('format', { choices: ['text', 'json', 'markdown'] as const, default: 'text' as const })
      .example('$0 budget images/demo/image.yaml -b ubnt_unifi-ap --kernel k.bin', 'of what would be built')
      .example('$0 budget sysupgrade.bin -b ubnt_unifi-ap --format markdown', 'of an image, for a report'),
  async (args, session) => {
    const budgets = /\.ya?ml$/.test(args.subject)
      ? await budgetsOfRecipe(args.subject, args, args.top, session)
      : await budgetsOfImage(args.subject, args.board.map(loadBoard), args.top);
    const document = { schemaVersion: 1, budgets };
    const text = (): string =>
      args.format === 'markdown'
        ? budgets.map(budgetMarkdown).join('\n')
        : args.format === 'json'
          ? `${JSON.stringify(document, undefined, 2)}\n`
          : budgets.map((one) => renderBudget(one, session.style)).join('\n');
    session.result(document, text);
    const failure = budgetError(budgets);
    if (failure) session.fail(failure);
    return failure?.exitCode;
  },
);

/** Builds into a temporary folder, counts, and lets the build go. */
async function budgetsOfRecipe(
  recipe: string,
  args: BuildArguments,
  top: number,
  session: Session,
): Promise<FlashBudget[]> {
  const { plan, profiles } = planFrom(recipe, args, session);
  const folder = mkdtempSync(join(tmpdir(), 'firmwright-budget-'));
  try {
    await using staged = await executeBuild(plan, profiles, {
      outputFolder: folder,
      cacheFolder: cacheFolder(args, session),
      workers: args.jobs,
      signal: session.signal,
      tasks: session.tasks,
      warn: (message, code) => {
        session.warn(message, code);
      },
      programVersion: programVersion(),
    });
    return staged.boards.map((board) => budgetOfBuilt(board, top));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function budgetsOfImage(
  path: string,
  profiles: readonly BoardProfile[],
  top: number,
): Promise<FlashBudget[]> {
  const bytes = new Uint8Array(await readFile(path));
  return profiles.map((profile) => {
    const { squashfs, firmware, flash, imageSize } = imageParts(bytes, profile);
    return countBudget({
      profile,
      firmware,
      flash,
      imageSize,
      attribution: squashfs && attributeImage(squashfs),
      top,
    });
  });
}
