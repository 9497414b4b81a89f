/** What tuning found, as text for a terminal. */
import type { TuneReport } from '../../budget/index.js';
import type { Style } from './style.js';
import { renderTable } from './table.js';

/** Renders every candidate, the pick with its reasons, and what to write into the profile. */
export function renderTune(
  { board, results, picked, reasons, profileLines }: TuneReport,
  style: Style,
): string {
  const [own] = results;
  const rows = results.map((one) => [
    one.size,
    own ? ((one.size / own.size - 1) * 100).toFixed(2) : '',
    one.eraseBlocks === undefined ? '' : one.eraseBlocks,
    one.decodeMs,
    Math.round(one.readMemory / 1024),
    one.packMs,
    `${one.id}${one.id === picked ? ' (picked)' : ''}${one.excluded === undefined ? '' : `: ${one.excluded}`}`,
  ]);
  const advice =
    profileLines.length === 0
      ? ''
      : `\nIn the profile of the board:\n  squashfs:\n${profileLines.map((line) => `    ${line}\n`).join('')}`;
  return [
    `${style.bold(board)}\n`,
    renderTable(
      [
        { heading: 'size bytes', align: 'right' },
        { heading: 'change %', align: 'right' },
        { heading: 'overlay blocks', align: 'right' },
        { heading: 'decode ms', align: 'right' },
        { heading: 'KiB a read', align: 'right' },
        { heading: 'pack ms', align: 'right' },
        { heading: 'packed' },
      ],
      rows,
      style.bold,
    ),
    `\n${reasons.map((reason) => `- ${reason}\n`).join('')}`,
    advice,
  ].join('');
}
