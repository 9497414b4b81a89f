/** The result of `check` as text and as JUnit. */
import { groupDigits } from '../../core/index.js';
import { cutOutcomes, type CheckReport, type CutTable, type Finding } from '../../emulator/index.js';
import { renderJunit } from './junit.js';
import type { Style } from './style.js';
import { renderTable } from './table.js';

/** Reasons of violations that are told of one table. */
const TOLD = 10;

/**
 * Writes the result for people: the verdict, each proof, the power cuts, the known flaws.
 *
 * @param replay  makes the command line that repeats the power cut of an id
 */
export function renderCheck(report: CheckReport, replay: (id: string) => string, style: Style): string {
  const colour = report.passed ? style.green : style.red;
  const text = [`${style.bold(`${report.board}, release ${report.branch}`)}: ${colour(verdict(report))}\n`];
  if (report.proofs.length > 0) text.push(proofLines(report, style));
  if (report.cuts.length > 0) text.push(cutTable(report.cuts, style));
  const violations = report.cuts.map((table) => violationLines(table, replay, style)).join('');
  if (violations !== '') text.push(violations);
  if (report.findings.length > 0)
    text.push(
      `Known flaws of the real programs that this image meets:\n${flawLines(report.findings, style)}`,
    );
  return text.join('\n');
}

function verdict({ proofs, cuts }: CheckReport): string {
  const failed = proofs.filter(({ problems }) => problems.length > 0).length;
  const parts: string[] = [];
  if (proofs.length > 0)
    parts.push(
      failed === 0 ? `all ${proofs.length} proofs hold` : `${failed} of ${proofs.length} proofs FAILED`,
    );
  if (cuts.length > 0) {
    const made = cuts.reduce((sum, table) => sum + table.cuts, 0);
    const violations = cuts.reduce((sum, table) => sum + table.violations.length, 0);
    parts.push(
      `${groupDigits(made)} power ${made === 1 ? 'cut' : 'cuts'}, ${violations === 0 ? 'no violation' : `${groupDigits(violations)} ${violations === 1 ? 'VIOLATION' : 'VIOLATIONS'}`}`,
    );
  }
  return parts.join('; ');
}

function proofLines({ proofs }: CheckReport, style: Style): string {
  return proofs
    .map(({ title, problems }) =>
      problems.length === 0
        ? `${style.green('proven')}  ${title}\n`
        : `${style.red('FAILED')}  ${title}\n${problems.map((problem) => `        ${problem}\n`).join('')}`,
    )
    .join('');
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
function violationLines({ violations }: CutTable, replay: (id: string) => string, style: Style): string {
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

/** One line a flaw: what it is, and the first place where it was met. */
function flawLines(findings: CheckReport['findings'], style: Style): string {
  const places = new Map<Finding['code'], string[]>();
  for (const { code, where } of findings) places.set(code, [...(places.get(code) ?? []), where]);
  return [...places]
    .map(([code, [first = '', ...more]]) => {
      const text = findings.find((finding) => finding.code === code)?.text ?? '';
      const others = more.length === 0 ? '' : ` and ${more.length} more`;
      return `  ${style.yellow(code)}: ${text} (${first}${others})\n`;
    })
    .join('');
}

/** Writes the result as JUnit XML: a case for each proof, and for each table of power cuts. */
export function junitOfCheck(report: CheckReport, replay: (id: string) => string): string {
  const proofs = report.proofs.map(({ title, problems }) =>
    problems.length === 0 ? { name: title } : { name: title, failure: problems.join('; ') },
  );
  const cuts = report.cuts.map((table) => {
    const name = `power cuts in ${cutTitle(table)}`;
    const [first] = table.violations;
    if (!first) return { name };
    const failure = `${table.violations.length} violations, first: ${first.reason}; replay: ${replay(first.replay)}`;
    return { name, failure };
  });
  return renderJunit(`firmwright check ${report.board}`, [...proofs, ...cuts]);
}

/** What was cut. */
function cutTitle({ phase, during }: CutTable): string {
  return during === 'flow' ? phase : `${phase}, during recovery`;
}
