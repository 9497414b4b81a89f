/** The flash budget as text for a terminal. */
import { verdict } from '../../budget/index.js';
import type { FlashBudget } from '../../budget/index.js';
import type { Style } from './style.js';
import { drawFlash } from './flash-drawing.js';
import { renderTable } from './table.js';

/** Renders a budget: verdict, a drawing of the chip, partitions, limits, costliest files. */
export function renderBudget(budget: FlashBudget, style: Style): string {
  const parts = [
    `${style.bold(budget.board)}: ${(budget.fits ? style.green : style.red)(verdict(budget))}\n${drawFlash(budget, style)}`,
    renderTable(
      [
        { heading: 'partition' },
        { heading: 'offset', align: 'right' },
        { heading: 'size bytes', align: 'right' },
        { heading: 'used bytes', align: 'right' },
        { heading: 'free bytes', align: 'right' },
      ],
      budget.partitions.map((p) => [
        p.parent === undefined ? p.label : `  ${p.label}`,
        `0x${p.offset.toString(16)}`,
        p.size,
        p.used,
        p.free,
      ]),
      style.bold,
    ),
    renderTable(
      [
        { heading: 'limit' },
        { heading: 'limit bytes', align: 'right' },
        { heading: 'use bytes', align: 'right' },
        { heading: 'headroom bytes', align: 'right' },
        { heading: 'over bytes', align: 'right' },
      ],
      budget.limits.map((l) => [l.what, l.limit, l.use, l.headroom, l.overBy]),
      style.bold,
    ),
  ];
  if (budget.rootfs && budget.rootfs.packages.length > 0 && budget.files.length > 0) {
    const { packages, unowned, size } = budget.rootfs;
    parts.push(
      renderTable(
        [
          { heading: 'stored bytes', align: 'right' },
          { heading: '% of rootfs', align: 'right' },
          { heading: 'costliest packages' },
        ],
        [...packages.slice(0, budget.files.length), { ...unowned, name: '(no package)', version: '' }].map(
          (p) => [p.stored, ((100 * p.stored) / size).toFixed(1), `${p.name} ${p.version}`.trimEnd()],
        ),
        style.bold,
      ),
    );
  }
  if (budget.files.length > 0) {
    parts.push(
      renderTable(
        [
          { heading: 'stored bytes', align: 'right' },
          { heading: 'size bytes', align: 'right' },
          { heading: 'costliest files' },
        ],
        budget.files.map((f) => [f.stored, f.size, f.path]),
        style.bold,
      ),
    );
  }
  return parts.join('\n');
}
