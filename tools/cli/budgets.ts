/** Counts budgets over built or given images, and says in one error what does not fit. */
import { attributeImage, countBudget, verdict } from '../budget/index.js';
import type { FlashBudget } from '../budget/index.js';
import type { BuiltBoard } from '../build/index.js';
import { BudgetError } from '../core/index.js';

/** Counts the budget of a built board over its own image, with its costliest files. */
export function budgetOfBuilt(board: BuiltBoard, top: number): FlashBudget {
  const { profile, images, packed } = board;
  return countBudget({
    profile,
    firmware: images.firmware,
    flash: images.flash,
    oversize: images.oversize,
    attribution: attributeImage(packed.bytes),
    top,
  });
}

/** Makes the error for budgets that do not fit; undefined when all fit. */
export function budgetError(budgets: readonly FlashBudget[]): BudgetError | undefined {
  const [first, ...others] = budgets.filter((budget) => !budget.fits);
  if (!first) return undefined;
  const more = others.length === 0 ? '' : `, nor on ${others.map(({ board }) => board).join(', ')}`;
  const biggest = first.files.slice(0, 3).map(({ path, stored }) => ({ path, stored }));
  return new BudgetError(
    'FW_BUDGET_OVER',
    `the image does not fit ${first.board}${more}: ${verdict(first)}`,
    {
      hint: `firmwright budget RECIPE --board ${first.board} --top 40 lists the costliest files`,
      data: {
        boards: [first, ...others].map(({ board, overBy, limits, overlay, problem }) => ({
          board,
          overBy,
          limits: limits.filter((limit) => limit.overBy > 0),
          overlay,
          problem,
        })),
        biggest,
      },
    },
  );
}
