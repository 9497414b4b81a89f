/** Power cuts as text and as JUnit: a table of outcomes, and what broke the promise. */
import { groupDigits } from '../../core/index.js';
import { cutOutcomes, type CutTable } from '../../emulator/index.js';
import type { JunitCase } from './junit.js';
import type { Style } from './style.js';
import { renderTable } from './table.js';

/** Reasons of violations that are told of one table. */
const TOLD = 10;

/** Makes the command line that repeats the power cut of an id. */
export type ReplayCut = (id: string) => string;

/** Says in a few words how many cuts were made and how many broke the promise. */
export function cutVerdict(cuts: readonly CutTable[]): string {
  const made = cuts.reduce((sum, table) => sum + table.cuts, 0);
  const violations = cuts.reduce((sum, table) => sum + table.violations.length, 0);
  const broken =
    violations === 0
      ? 'no violation'
      : `${groupDigits(violations)} ${violations === 1 ? 'VIOLATION' : 'VIOLATIONS'}`;
  return `${groupDigits(made)} power ${made === 1 ? 'cut' : 'cuts'}, ${broken}`;
}

/** Writes the table of outcomes and, where there are any, the violations; nothing when nothing was cut. */
export function cutTexts(cuts: readonly CutTable[], replay: ReplayCut, style: Style): readonly string[] {
  if (cuts.length === 0) return [];
  const violations = cuts.map((table) => violationLines(table, replay, style)).join('');
  return violations === '' ? [cutTable(cuts, style)] : [cutTable(cuts, style), violations];
}

/** Outcomes that did not come have no column. */
function cutTable(cuts: readonly CutTable[], style: Style): string {
  const met = cutOutcomes.filter((outcome) => cuts.some(({ outcomes }) => outcomes[outcome] > 0));
  return renderTable(
    [
      { heading: 'power cuts in' },
      ...['operations', 'cuts', 'states', ...met].map((heading) => ({ heading, align: 'right' as const })),
    ],
    cuts.map((table) => [
      cutTitle(table),
      ...[table.operations, table.cuts, table.states, ...met.map((outcome) => table.outcomes[outcome])].map(
        groupDigits,
      ),
    ]),
    style.bold,
  );
}

/** Violations of one reason have one cause as a rule: they are told once, with a cut that shows it. */
function violationLines({ violations }: CutTable, replay: ReplayCut, style: Style): string {
  const idsByReason = new Map<string, string[]>();
  for (const { reason, replay: id } of violations)
    idsByReason.set(reason, [...(idsByReason.get(reason) ?? []), id]);
  const told = [...idsByReason].slice(0, TOLD).map(([reason, [first = '', ...more]]) => {
    const count = more.length === 0 ? '' : ` (${groupDigits(more.length + 1)} cuts)`;
    return `${style.red('VIOLATION')}${count} ${reason}\n  replay: ${replay(first)}\n`;
  });
  const others = idsByReason.size - told.length;
  if (others > 0) told.push(`and ${groupDigits(others)} other reasons; --json names them all\n`);
  return told.join('');
}

/** Makes a case of one table. */
export function junitOfCuts(table: CutTable, replay: ReplayCut): JunitCase {
  const name = `power cuts in ${cutTitle(table)}`;
  const [first] = table.violations;
  if (!first) return { name };
  const failure = `${table.violations.length} violations, first: ${first.reason}; replay: ${replay(first.replay)}`;
  return { name, failure };
}

/** What was cut. */
function cutTitle({ phase, during }: CutTable): string {
  return during === 'flow' ? phase : `${phase}, during recovery`;
}
