/** What `budget` adds on request: savings by package, and the comparison with an earlier budget. */
import type { BudgetComparison, CostChange, PackageSavings } from '../../budget/index.js';
import type { Style } from './style.js';
import { renderTable } from './table.js';

const mostChanges = 20;

/** Renders what dropping each package saves. */
export function renderSavings({ packages }: PackageSavings, style: Style): string {
  return renderTable(
    [
      { heading: 'saved bytes', align: 'right' },
      { heading: 'erase blocks', align: 'right' },
      { heading: 'dropping package' },
      { heading: 'needed by' },
    ],
    packages.map(({ bytes, eraseBlocks, name, neededBy }) => [
      bytes,
      eraseBlocks === undefined ? '' : eraseBlocks,
      name,
      neededBy.length > 3
        ? `${neededBy.slice(0, 3).join(', ')} and ${neededBy.length - 3} more`
        : neededBy.join(', '),
    ]),
    style.bold,
  );
}

/** Renders what changed, the largest changes first. */
export function renderComparison(comparison: BudgetComparison, style: Style): string {
  const { size, eraseBlocks, packages, files } = comparison;
  const table = (title: string, changes: readonly CostChange[]): string =>
    renderTable(
      [
        { heading: 'before bytes', align: 'right' },
        { heading: 'after bytes', align: 'right' },
        { heading: 'change bytes', align: 'right' },
        { heading: title },
      ],
      changes
        .slice(0, mostChanges)
        .map((one) => [one.before ?? '', one.after ?? '', signed(one.change), one.name]),
      style.bold,
    );
  return [
    `squashfs ${signed(size.change)} bytes, overlay ${signed(eraseBlocks.change)} erase blocks\n`,
    ...(packages.length > 0 ? [table('changed packages', packages)] : []),
    ...(files && files.length > 0 ? [table('changed files', files)] : []),
  ].join('\n');
}

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value);
}
