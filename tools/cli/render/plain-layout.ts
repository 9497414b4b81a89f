/**
 * Width and line breaks of ASCII text, the only kind that `--help` has. tools/dev/build-js.mjs gives them to yargs in place
 * of packages that know every script and emoji, and take as long to load as Node itself.
 */

/** Columns that a text takes. */
export function textWidth(text: string): number {
  return text.length;
}

/** Breaks lines at spaces, and a word where it is longer than a line. No line starts or ends with a space. */
export function wrapText(text: string, columns: number): string {
  return text
    .split('\n')
    .map((line) => wrapLine(line, columns))
    .join('\n');
}

function wrapLine(line: string, columns: number): string {
  const rows: string[] = [];
  let row = '';
  for (const word of line.split(' ')) {
    if (row !== '') row += ' ';
    if (row !== '' && row.length + word.length > columns) {
      rows.push(row.trimEnd());
      row = '';
    }
    row += word;
    for (; row.length > columns; row = row.slice(columns)) rows.push(row.slice(0, columns));
  }
  return [...rows, row.trimEnd()].join('\n');
}
