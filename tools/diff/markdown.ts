/** A comparison as Markdown, made for the comment under a pull request: verdict and figures open, long lists folded. */
import { markdownCode, markdownText } from '../budget/index.js';
import { groupDigits, textOf } from '../core/index.js';
import type { FigureChange, PartitionChange } from './compare-flash.js';
import type { ImageDiff, OwnedFileChange } from './compare-images.js';
import type { PackageChange } from './compare-packages.js';
import { missingText } from './dangling.js';

/** Rows of a folded list; a comment has an end, and the rest is in `--json`. */
const rowLimit = 200;

/** Renders a comparison as Markdown. */
export function diffMarkdown(diff: ImageDiff): string {
  const { after, breaches, packages, files, partitions, newDefaults } = diff;
  const good = diff.fits && breaches.length === 0;
  return [
    `### ${good ? '✅' : '❌'} ${markdownCode(after.board)}: ${diff.verdict}`,
    breaches.map(({ limit, text }) => `- **${limit}**: ${markdownText(text)}\n`).join(''),
    figureTable(diff.figures),
    identityLines(diff),
    fold('partitions', partitions.length, ['partition', 'before', 'after'], partitions.map(partitionRow)),
    fold(
      'packages',
      packages.length,
      ['package', 'before', 'after', 'stored bytes'],
      packages.map(packageRow),
    ),
    fold('files', files.length, ['file', 'change', 'size bytes', 'package'], files.map(fileRow)),
    fold(
      'new defaults that an upgrade hides behind kept settings',
      newDefaults.length,
      ['file'],
      newDefaults.map((path) => [markdownCode(textOf(path))]),
    ),
    warnings('Libraries left dangling', diff.missingLibraries.map(missingText)),
    warnings('Symlinks left dangling', diff.brokenSymlinks.map(textOf)),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** Writes a difference with its sign, `+1 234`, `-7` or `0`. */
export function signed(value: number): string {
  return value > 0 ? `+${groupDigits(value)}` : groupDigits(value);
}

/** Names a partition's place, as `0x50000, 7 667 712 bytes`. */
export function placeText(place: PartitionChange['before']): string {
  return place ? `0x${place.offset.toString(16)}, ${groupDigits(place.size)} bytes` : '';
}

function figureTable(figures: readonly FigureChange[]): string {
  return table(
    ['', 'before', 'after', 'change'],
    figures.map(({ what, before, after }) => [
      what,
      groupDigits(before),
      groupDigits(after),
      signed(after - before),
    ]),
    true,
  );
}

function identityLines({ before, after }: ImageDiff): string {
  const [a, b] = [before.identity, after.identity];
  const lines = [
    before.board === after.board ? '' : `board ${markdownCode(before.board)} → ${markdownCode(after.board)}`,
    a.version === b.version
      ? ''
      : `version ${markdownCode(a.version ?? 'none')} → ${markdownCode(b.version ?? 'none')}`,
    a.compatVersion === b.compatVersion
      ? ''
      : `compat version ${markdownCode(a.compatVersion)} → ${markdownCode(b.compatVersion)}`,
    a.supportedDevices.join() === b.supportedDevices.join()
      ? ''
      : `supported devices ${markdownCode(a.supportedDevices.join(', '))} → ${markdownCode(b.supportedDevices.join(', '))}`,
  ];
  return lines
    .filter((line) => line !== '')
    .map((line) => `- ${line}\n`)
    .join('');
}

function partitionRow({ label, before, after }: PartitionChange): string[] {
  return [markdownCode(label), placeText(before), placeText(after)];
}

function packageRow({ name, before, after, storedBefore, storedAfter }: PackageChange): string[] {
  return [
    markdownCode(name),
    markdownText(before ?? '–'),
    markdownText(after ?? '–'),
    signed(storedAfter - storedBefore),
  ];
}

function fileRow(change: OwnedFileChange): string[] {
  const { path, sizeBefore = 0, sizeAfter = 0, aspects } = change;
  return [
    markdownCode(textOf(path)),
    aspects.length === 0 ? change.change : aspects.join(', '),
    signed(sizeAfter - sizeBefore),
    markdownText(change.package ?? ''),
  ];
}

function warnings(title: string, lines: readonly string[]): string {
  return lines.length === 0
    ? ''
    : `**${title}**\n\n${lines.map((line) => `- ${markdownText(line)}\n`).join('')}`;
}

function fold(
  title: string,
  count: number,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  if (count === 0) return '';
  const rest = count > rowLimit ? `\n${groupDigits(count - rowLimit)} more\n` : '';
  return `<details><summary>${groupDigits(count)} ${title}</summary>\n\n${table(head, rows.slice(0, rowLimit), false)}${rest}\n</details>\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[], numbers: boolean): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return line(head) + line(head.map((_, i) => (numbers && i > 0 ? '---:' : '---'))) + rows.map(line).join('');
}
