/** The budget as Markdown, for a pull request or a wiki. */
import { countOf, formatSize, groupDigits, printable } from '../core/index.js';
import type { FlashBudget } from './count.js';

/** Renders a budget as Markdown: verdict, partitions, limits, costliest files. */
export function budgetMarkdown(budget: FlashBudget): string {
  return [
    `### ${budget.board}: ${verdict(budget)}`,
    table(
      ['partition', 'offset', 'size bytes', 'used bytes', 'free bytes'],
      budget.partitions.map((p) => [
        `${p.parent === undefined ? '' : '&nbsp;&nbsp;'}${p.label}`,
        `0x${p.offset.toString(16)}`,
        groupDigits(p.size),
        groupDigits(p.used),
        groupDigits(p.free),
      ]),
    ),
    table(
      ['limit', 'limit bytes', 'use bytes', 'headroom bytes', 'over bytes'],
      budget.limits.map((l) => [l.what, ...[l.limit, l.use, l.headroom, l.overBy].map(groupDigits)]),
    ),
    ...packageTable(budget),
    ...(budget.files.length === 0
      ? []
      : [
          table(
            ['file', 'stored bytes', 'size bytes'],
            budget.files.map((f) => [markdownCode(f.path), groupDigits(f.stored), groupDigits(f.size)]),
          ),
        ]),
  ].join('\n');
}

/** As many packages as files; without files nobody asked for costs. */
function packageTable({ rootfs, files }: FlashBudget): string[] {
  if (!rootfs || rootfs.packages.length === 0 || files.length === 0) return [];
  const rows = rootfs.packages
    .slice(0, files.length)
    .map(({ name, version, stored }) => [
      `${markdownCode(name)} ${markdownText(version)}`,
      groupDigits(stored),
    ]);
  return [
    table(['package', 'stored bytes'], [...rows, ['(no package)', groupDigits(rootfs.unowned.stored)]]),
  ];
}

/** Names come from images: what Markdown would read as more than text is escaped. */
export function markdownText(text: string): string {
  return printable(text).replace(/[\\`*_{}[\]<>()#|~&]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Writes a name from an image in the letters of code. */
export function markdownCode(text: string): string {
  return `<code>${markdownText(text)}</code>`;
}

/** One line that says whether the image fits, and how much the overlay gets. */
export function verdict(budget: FlashBudget): string {
  const { overlay, overBy, problem } = budget;
  if (problem !== undefined && overBy === 0) return `does not fit: ${problem}`;
  const blocks = overlay
    ? `${overlay.eraseBlocks} erase blocks for the overlay, ${overlay.neededBlocks} needed`
    : 'no overlay';
  const broken = budget.limits.find((limit) => limit.overBy === overBy)?.what;
  if (!budget.fits)
    return `does not fit, ${countOf(overBy, 'byte')} over${broken === undefined ? '' : ` the limit "${broken}"`} (${blocks})`;
  return `fits (${blocks}, about ${formatSize(overlay?.freeBytes ?? 0)} for user data)`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const rule = line(head.map((_, i) => (i === 0 ? '---' : '---:')));
  return line(head) + rule + rows.map(line).join('');
}
