/** What changed between two budgets: the squashfs, the overlay, and the cost of each package and file. */
import type { FlashBudget } from './count.js';

/** As much of a budget as a comparison needs; earlier documents have it. */
export interface ComparableBudget {
  readonly rootfs?: Pick<NonNullable<FlashBudget['rootfs']>, 'size' | 'unowned' | 'packages'> | undefined;
  readonly overlay?: Pick<NonNullable<FlashBudget['overlay']>, 'eraseBlocks'> | undefined;
  readonly files: readonly { readonly path: string; readonly stored: number }[];
}

/** Cost of one package or file before and after; undefined where it is not there. */
export interface CostChange {
  readonly name: string;
  readonly before: number | undefined;
  readonly after: number | undefined;
  readonly change: number;
}

/** Changes, the largest first, whichever way; equal ones by name. */
export interface BudgetComparison {
  readonly size: CostChange;
  readonly eraseBlocks: CostChange;
  readonly packages: readonly CostChange[];
  /** Undefined where one of the two lists only its costliest files. */
  readonly files: readonly CostChange[] | undefined;
}

/** Compares a budget with an earlier one. */
export function compareBudgets(before: ComparableBudget, after: ComparableBudget): BudgetComparison {
  const packages = (budget: ComparableBudget): [string, number][] =>
    budget.rootfs
      ? [
          ...budget.rootfs.packages.map(({ name, stored }): [string, number] => [name, stored]),
          ['(no package)', budget.rootfs.unowned.stored],
        ]
      : [];
  const files = (budget: ComparableBudget): [string, number][] =>
    budget.files.map(({ path, stored }) => [path, stored]);
  return {
    size: change('squashfs', before.rootfs?.size, after.rootfs?.size),
    eraseBlocks: change('overlay', before.overlay?.eraseBlocks, after.overlay?.eraseBlocks),
    packages: changes(packages(before), packages(after)),
    files: isComplete(before) && isComplete(after) ? changes(files(before), files(after)) : undefined,
  };
}

function isComplete({ rootfs, files }: ComparableBudget): boolean {
  return files.reduce((sum, { stored }) => sum + stored, 0) === rootfs?.size;
}

function changes(
  before: readonly (readonly [string, number])[],
  after: readonly (readonly [string, number])[],
): CostChange[] {
  const [old, now] = [new Map(before), new Map(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((name) => change(name, old.get(name), now.get(name)))
    .filter((one) => one.change !== 0)
    .sort((a, b) => Math.abs(b.change) - Math.abs(a.change) || (a.name < b.name ? -1 : 1));
}

function change(name: string, before: number | undefined, after: number | undefined): CostChange {
  return { name, before, after, change: (after ?? 0) - (before ?? 0) };
}
