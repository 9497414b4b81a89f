/** The parts of the report that are written once and for all: figures, limits, what dropping saves, what changed. */
import { formatSize } from '../../core/index.js';
import type { BudgetComparison, CostChange } from '../compare-costs.js';
import type { FlashBudget } from '../count.js';
import type { PackageSavings } from '../package-savings.js';
import { digits, escapeHtml } from './markup.js';

const mostChanges = 15;

/** The figures that everybody looks for first. */
export function keyFigures({ rootfs, overlay, limits, overBy }: FlashBudget): string {
  const headroom = Math.min(...limits.map((limit) => limit.headroom));
  const figures: [string, string, string][] = [
    overBy > 0
      ? ['Over by', formatSize(overBy), `${digits(overBy)} bytes too many`]
      : ['Headroom', formatSize(Number.isFinite(headroom) ? headroom : 0), 'until the first limit'],
    ...(rootfs
      ? ([['Root file system', formatSize(rootfs.size), `${digits(rootfs.size)} bytes of squashfs`]] as [
          string,
          string,
          string,
        ][])
      : []),
    [
      'Overlay',
      overlay ? `${overlay.eraseBlocks} blocks` : 'none',
      overlay ? `${overlay.neededBlocks} needed` : 'settings would be lost',
    ],
    [
      'For user data',
      overlay?.mountable ? formatSize(overlay.freeBytes) : 'nothing',
      overlay?.mountable ? 'after the first boot' : 'the overlay cannot be mounted',
    ],
  ];
  const items = figures.map(
    ([name, value, note]) =>
      `<div><dt>${name}</dt><dd>${escapeHtml(value)}<small>${escapeHtml(note)}</small></dd></div>`,
  );
  return `<dl class="facts">${items.join('')}</dl>`;
}

/** Every limit with a meter: what fits, and what does not. */
export function limitsSection({ limits, problem }: FlashBudget): string {
  const rows = limits.map(({ what, limit, use, headroom, overBy }) => {
    const filled = limit > 0 ? Math.min(100, (100 * use) / limit) : 100;
    const left =
      overBy > 0
        ? `<b>does not fit: ${digits(overBy)} bytes over</b>`
        : `<b>fits: ${digits(headroom)} bytes left</b>`;
    return `<li class="${overBy > 0 ? 'over' : 'ok'}"><div class="row"><span>${escapeHtml(what)}</span>${left}</div>
<div class="meter" aria-hidden="true"><span style="width:${filled.toFixed(1)}%"></span></div>
<small>${digits(use)} of ${digits(limit)} bytes</small></li>`;
  });
  const trouble = problem === undefined ? '' : `<p class="verdict over">${escapeHtml(problem)}</p>`;
  return `<section aria-labelledby="limits-title"><h2 id="limits-title">What fits</h2>${trouble}
<ul class="limits">${rows.join('\n')}</ul></section>`;
}

/** What dropping packages gives the overlay, where it was measured. */
export function savingsSection(savings: PackageSavings | undefined): string {
  const gains = savings?.packages.filter(({ eraseBlocks }) => (eraseBlocks ?? 0) > 0).slice(0, 10) ?? [];
  if (!savings) return '';
  const items = gains.map(({ name, bytes, eraseBlocks = 0, neededBy }) => {
    const blocks = `${eraseBlocks} more erase block${eraseBlocks === 1 ? '' : 's'}`;
    const needed =
      neededBy.length === 0
        ? ''
        : ` <small>needed by ${escapeHtml(neededBy.slice(0, 4).join(', '))}${neededBy.length > 4 ? ` and ${neededBy.length - 4} more` : ''}</small>`;
    return `<li>Dropping <strong>${escapeHtml(name)}</strong> gives the overlay ${blocks} (${digits(bytes)} bytes).${needed}</li>`;
  });
  const nothing = '<p>No single package would give the overlay another erase block.</p>';
  return `<section aria-labelledby="savings-title"><h2 id="savings-title">What dropping a package gives</h2>
<p class="lead">Measured by packing the root again without each package.</p>
${items.length > 0 ? `<ul>${items.join('\n')}</ul>` : nothing}</section>`;
}

/** What changed against another image. */
export function comparisonSection(comparison: BudgetComparison | undefined, against: string): string {
  if (!comparison) return '';
  const { size, eraseBlocks, packages, files } = comparison;
  const none = '<p>No cost changed.</p>';
  const filesTable =
    files === undefined
      ? '<p class="hint">Files are not compared: one side lists only its costliest files.</p>'
      : changesTable('Files', files);
  return `<section aria-labelledby="comparison-title"><h2 id="comparison-title">Compared with ${escapeHtml(against)}</h2>
<p class="lead">Squashfs ${signed(size.change, 'bytes', 1)}; overlay ${signed(eraseBlocks.change, 'erase blocks', -1)}.</p>
${packages.length === 0 ? none : changesTable('Packages', packages)}
${filesTable}</section>`;
}

function changesTable(title: string, changes: readonly CostChange[]): string {
  if (changes.length === 0) return '';
  const figure = (value: number | undefined): string => (value === undefined ? '–' : digits(value));
  const rows = changes
    .slice(0, mostChanges)
    .map(
      ({ name, before, after, change }) =>
        `<tr><th scope="row">${escapeHtml(name)}</th><td>${figure(before)}</td><td>${figure(after)}</td><td>${signed(change, '', 1)}</td></tr>`,
    );
  const left = changes.length - rows.length;
  const rest = left > 0 ? `<p class="hint">${left} smaller changes are not listed.</p>` : '';
  return `<h3>${title}</h3><div class="scroll" tabindex="0" role="region" aria-label="${title} that changed"><table>
<thead><tr><th scope="col">${title.slice(0, -1)}</th><th scope="col">Before, bytes</th><th scope="col">After</th><th scope="col">Change</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>${rest}`;
}

/** A change with its sign; `worse` says which sign costs something. */
function signed(change: number, unit: string, worse: 1 | -1): string {
  if (change === 0) return unit === '' ? '0' : `unchanged`;
  const sign = change > 0 ? '+' : '−';
  const className = Math.sign(change) === worse ? 'more' : 'less';
  return `<span class="${className}">${sign}${digits(Math.abs(change))}${unit === '' ? '' : ` ${unit}`}</span>`;
}
