/** The comparison of two images as text for a terminal. */
import { groupDigits, textOf } from '../../core/index.js';
import { missingText, placeText, signed } from '../../diff/index.js';
import type { ImageDiff, OwnedFileChange } from '../../diff/index.js';
import type { Style } from './style.js';
import { renderTable } from './table.js';

/** Renders a comparison: verdict, figures, then only the lists that are not empty. */
export function renderDiff(diff: ImageDiff, style: Style): string {
  const { before, after, partitions, packages, files } = diff;
  const section = (title: string, count: number, body: () => string): string =>
    count === 0 ? '' : `\n${style.bold(`${title}: ${groupDigits(count)}`)}\n${body()}`;
  const lines = (texts: readonly string[]): string => texts.map((text) => `  ${text}\n`).join('');
  return [
    `${style.bold(after.board)}: ${(diff.fits ? style.green : style.red)(diff.verdict)}\n`,
    ...diff.breaches.map(({ limit, text }) => `${style.red(limit)}: ${text}\n`),
    '\n',
    renderTable(
      [{ heading: '' }, { heading: 'before' }, { heading: 'after' }, { heading: 'change', align: 'right' }],
      diff.figures.map((one) => [one.what, one.before, one.after, signed(one.after - one.before)]),
      style.bold,
    ),
    lines(identityLines(before.identity, after.identity)),
    section('partitions', partitions.length, () =>
      renderTable(
        [{ heading: 'partition' }, { heading: 'before' }, { heading: 'after' }],
        partitions.map((one) => [one.label, placeText(one.before), placeText(one.after)]),
      ),
    ),
    section('packages', packages.length, () =>
      renderTable(
        [
          { heading: 'package' },
          { heading: 'change' },
          { heading: 'before' },
          { heading: 'after' },
          { heading: 'stored bytes', align: 'right' },
        ],
        packages.map((one) => [
          one.name,
          one.change,
          one.before,
          one.after,
          signed(one.storedAfter - one.storedBefore),
        ]),
      ),
    ),
    section('files', files.length, () =>
      renderTable(
        [
          { heading: '' },
          { heading: 'size bytes', align: 'right' },
          { heading: 'file' },
          { heading: 'package' },
        ],
        files.map((one) => [mark(one), growth(one), textOf(one.path), one.package]),
      ),
    ),
    section('new defaults that an upgrade hides behind kept settings', diff.newDefaults.length, () =>
      lines(diff.newDefaults.map(textOf)),
    ),
    section('libraries left dangling', diff.missingLibraries.length, () =>
      style.red(lines(diff.missingLibraries.map(missingText))),
    ),
    section('symlinks left dangling', diff.brokenSymlinks.length, () =>
      lines(diff.brokenSymlinks.map(textOf)),
    ),
    `\n${groupDigits(diff.filesUnchanged)} files are the same (times are not compared)\n`,
  ].join('');
}

function identityLines(a: ImageDiff['before']['identity'], b: ImageDiff['after']['identity']): string[] {
  const changes: readonly (readonly [string, string, string])[] = [
    ['version', a.version ?? 'none', b.version ?? 'none'],
    ['compat version', a.compatVersion, b.compatVersion],
    ['supported devices', a.supportedDevices.join(' '), b.supportedDevices.join(' ')],
  ];
  return changes
    .filter(([, old, young]) => old !== young)
    .map(([what, old, young]) => `${what}: ${old} → ${young}`);
}

function mark({ change, aspects }: OwnedFileChange): string {
  return change === 'added' ? '+' : change === 'removed' ? '-' : aspects.join(', ');
}

function growth({ sizeBefore = 0, sizeAfter = 0 }: OwnedFileChange): string {
  return sizeBefore === sizeAfter ? '' : signed(sizeAfter - sizeBefore);
}
