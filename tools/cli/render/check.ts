/** The result of `check` as text and as JUnit. */
import type { CheckReport, Finding } from '../../emulator/index.js';
import { renderJunit } from './junit.js';
import { cutTexts, cutVerdict, junitOfCuts } from './power-cuts.js';
import type { Style } from './style.js';

/**
 * Writes the result for people: the verdict, each proof, the power cuts, the known flaws.
 *
 * @param replay  makes the command line that repeats the power cut of an id
 */
export function renderCheck(report: CheckReport, replay: (id: string) => string, style: Style): string {
  const colour = report.passed ? style.green : style.red;
  const text = [`${style.bold(`${report.board}, release ${report.branch}`)}: ${colour(verdict(report))}\n`];
  if (report.proofs.length > 0) text.push(proofLines(report, style));
  text.push(...cutTexts(report.cuts, replay, style));
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
  if (cuts.length > 0) parts.push(cutVerdict(cuts));
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
  const cuts = report.cuts.map((table) => junitOfCuts(table, replay));
  return renderJunit(`firmwright check ${report.board}`, [...proofs, ...cuts]);
}
