/**
 * Builds every board with NOR flash on both published root trees, checks what fits, and prints a table: which board does
 * not fit, and by how much.
 *
 *   npx tsx test/sweep/all-boards.ts [--only WORD] [--root 15.05-be|19.07-le] [--folder DIR] [--json FILE]
 *
 * Exits 1 when a board cannot be built, or when what fits is not proven by the check.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { boardIds, loadBoard } from '../../tools/cli/board-profiles.js';
import { renderTable } from '../../tools/cli/render/table.js';
import { formatSize } from '../../tools/core/index.js';
import { publishedRoots, surveyBoard } from '../support/board-survey.js';
import type { PublishedRoot, SurveyRow } from '../support/board-survey.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    root: { type: 'string', default: '' },
    folder: { type: 'string' },
    json: { type: 'string' },
  },
});
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'firmwright-survey-'));
const roots = (Object.keys(publishedRoots) as PublishedRoot[]).filter((name) => name.includes(values.root));
const profiles = boardIds()
  .filter((id) => id.includes(values.only))
  .map(loadBoard)
  .filter(({ flash }) => flash.kind === 'nor');
const rows: SurveyRow[] = [];
const failures: string[] = [];
try {
  for (const root of roots)
    for (const profile of profiles) {
      try {
        const row = await surveyBoard(profile, root, folder);
        rows.push(row);
        if (row.fits && row.check !== 'proven') failures.push(`${profile.id}, ${root}: ${row.check}`);
      } catch (error) {
        failures.push(`${profile.id}, ${root}: ${error instanceof Error ? error.message : String(error)}`);
      }
      process.stderr.write('.');
    }
} finally {
  process.stderr.write('\n');
  if (values.folder === undefined) rmSync(folder, { recursive: true });
}
const table = renderTable(
  [
    'board',
    'root',
    'endian',
    'flash',
    'squashfs bytes',
    'overlay blocks',
    'fits',
    'over by bytes',
    'check',
  ].map((heading) => ({ heading })),
  rows.map((row) => [
    row.board,
    row.root,
    row.endianness,
    formatSize(row.flashSize),
    row.squashfsSize,
    row.overlayBlocks,
    row.fits ? 'yes' : `no: ${row.overWhat ?? ''}`,
    row.overBy,
    row.check,
  ]),
);
process.stdout.write(table);
console.log(
  `${rows.length} builds, ${rows.filter(({ fits }) => fits).length} fit, ${rows.filter(({ check }) => check === 'proven').length} proven, ${failures.length} failures`,
);
for (const failure of failures) console.log(failure);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
process.exitCode = failures.length > 0 ? 1 : 0;
