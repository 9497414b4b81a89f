/** Plain tables: headings with units, numbers to the right, no frame, so that they paste well into a report. */
import { groupDigits } from '../../core/index.js';

/** A cell: text, an integer (grouped and right-aligned), or nothing. */
export type Cell = string | number | undefined;

/** A column: its heading (with the unit of its numbers), and `right` for text that is a number. */
export interface Column {
  readonly heading: string;
  readonly align?: 'left' | 'right';
}

/**
 * Renders rows under their headings, two spaces apart.
 *
 * A column is right-aligned when it says so, or when all of its filled cells are numbers.
 *
 * @param headingStyle  applied to the padded heading line
 * @returns lines, each ended by a newline
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  headingStyle: (text: string) => string = (text) => text,
): string {
  const texts = rows.map((row) => row.map(cellText));
  const right = columns.map(
    (column, i) =>
      column.align === 'right' ||
      (column.align === undefined &&
        rows.length > 0 &&
        rows.every((row) => typeof row[i] === 'number' || row[i] === undefined)),
  );
  const widths = columns.map((column, i) =>
    Math.max(displayWidth(column.heading), ...texts.map((row) => displayWidth(row[i] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map((_, i) => {
        const text = cells[i] ?? '';
        const fill = ' '.repeat(Math.max(0, (widths[i] ?? 0) - displayWidth(text)));
        return right[i] ? fill + text : text + fill;
      })
      .join('  ')
      .trimEnd();
  return [headingStyle(line(columns.map((column) => column.heading))), ...texts.map(line)]
    .map((text) => `${text}\n`)
    .join('');
}

function cellText(cell: Cell): string {
  if (cell === undefined) return '';
  return typeof cell === 'number' ? groupDigits(cell) : cell;
}

/** Colour codes, which take no room on a terminal. */
const colourCode = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

function displayWidth(text: string): number {
  return Array.from(text.replaceAll(colourCode, '')).length;
}
