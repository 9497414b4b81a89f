/** `budget`: the flash budget of a recipe or of an image; exit 10 when it does not fit. */
import { basename } from 'node:path';
import { budgetMarkdown, budgetReport, compareBudgets } from '../../budget/index.js';
import type { BudgetComparison, FlashBudget, PackageSavings } from '../../budget/index.js';
import { UsageError } from '../../core/index.js';
import { readEarlierBudget } from '../earlier-budget.js';
import { withBuildOptions } from '../build-options.js';
import { budgetError, measureSavings, withTop } from '../budgets.js';
import type { CountedBoard } from '../budgets.js';
import { defineCommand, example } from '../command.js';
import type { Session } from '../command.js';
import { countSubject } from '../count-subject.js';
import { renderBudget } from '../render/budget.js';
import { renderComparison, renderSavings } from '../render/budget-extras.js';
import { programVersion } from '../version.js';

/** One board as the document shows it. */
type BudgetResult = FlashBudget & {
  readonly savings?: PackageSavings;
  readonly comparison?: BudgetComparison;
};

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
      .option('top', {
        type: 'number',
        default: 20,
        describe: 'how many of the costliest files to list; 0 lists all',
      })
      .option('savings', {
        type: 'boolean',
        default: false,
        describe: 'measure what dropping each package saves (packs the root once a package)',
      })
      .option('against', {
        type: 'string',
        describe: 'compare with an earlier image, firmwright.json or document of --json',
      })
      .option('format', {
        choices: ['text', 'json', 'markdown', 'html'] as const,
        default: 'text' as const,
        describe: 'html: one file with flash map, treemap and search, for one board',
      })
      .example(
        ...example(
          '$0 budget images/demo/image.yaml -b ubnt_unifi-ap --kernel k.bin',
          'of what would be built',
        ),
      )
      .example(...example('$0 budget sysupgrade.bin --format markdown', 'of an image, for a report'))
      .example(
        ...example(
          '$0 budget new.bin -b ubnt_unifi-ap --against old.bin --format html >report.html',
          'to look at',
        ),
      )
      .example(...example('$0 budget sysupgrade.bin --savings', 'which package to drop')),
  async (args, session) => {
    const { top, format } = args;
    if (!Number.isInteger(top) || top < 0)
      throw new UsageError('FW_USAGE_ARGUMENT', `--top takes a number from 0 on, not ${top}`);
    if (format === 'html' && args.board.length > 1) {
      throw new UsageError('FW_USAGE_ARGUMENT', '--format html makes the report of one board', {
        hint: 'run it once for each board',
      });
    }
    const boards = await countSubject(args.subject, args, session);
    const results: { counted: CountedBoard; result: BudgetResult }[] = [];
    for (const counted of boards) {
      const savings = args.savings ? await measureSavings(counted, args.jobs, session) : undefined;
      const before =
        args.against === undefined ? undefined : readEarlierBudget(args.against, counted.profile);
      const result = {
        ...withTop(counted.budget, top),
        ...(savings ? { savings } : {}),
        ...(before ? { comparison: compareBudgets(before, counted.budget) } : {}),
      };
      results.push({ counted, result });
    }
    const document = { schemaVersion: 1, budgets: results.map(({ result }) => result) };
    session.result(document, () => {
      switch (format) {
        case 'json':
          return `${JSON.stringify(document, undefined, 2)}\n`;
        case 'markdown':
          return results.map(({ result }) => budgetMarkdown(result)).join('\n');
        case 'html':
          return results.map(({ counted, result }) => reportOf(counted, result, args)).join('');
        case 'text':
          return results.map(({ result }) => renderResult(result, session)).join('\n');
      }
    });
    const failure = budgetError(boards.map((board) => board.budget));
    if (failure) session.fail(failure);
    return failure?.exitCode;
  },
);

function renderResult(result: BudgetResult, { style }: Session): string {
  return [
    renderBudget(result, style),
    ...(result.savings ? [renderSavings(result.savings, style)] : []),
    ...(result.comparison ? [renderComparison(result.comparison, style)] : []),
  ].join('\n');
}

function reportOf(
  { profile, budget: whole }: CountedBoard,
  { savings, comparison }: BudgetResult,
  { subject, against }: { readonly subject: string; readonly against: string | undefined },
): string {
  return budgetReport({
    budget: whole,
    subject: basename(subject),
    boardName: profile.name,
    savings,
    comparison,
    against: against === undefined ? undefined : basename(against),
    program: `Firmwright ${programVersion()}`,
  });
}
