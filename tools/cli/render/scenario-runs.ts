/** Results of scenario runs as text and as JUnit. */
import { findingTexts, type PartitionWear, type ScenarioReport } from '../../emulator/index.js';
import { renderJunit } from './junit.js';
import type { Style } from './style.js';
import { renderTable } from './table.js';

/** One run, with what the chip went through. */
export interface ScenarioRunResult {
  readonly report: ScenarioReport;
  /** Erases of each block of the chip. */
  readonly wear: readonly number[];
  readonly partitions: readonly PartitionWear[];
  /** Command line that repeats this run alone. */
  readonly replay: string;
}

/** Writes the runs for people; with `timeline` also what happened when, and the wear. */
export function renderRuns(runs: readonly ScenarioRunResult[], timeline: boolean, style: Style): string {
  return runs
    .map((run) => `${outcomeLines(run, style).join('\n')}\n${timeline ? timelineText(run, style) : ''}`)
    .join('');
}

function outcomeLines({ report, replay }: ScenarioRunResult, style: Style): string[] {
  const lines = [
    `${report.passed ? style.green('passed') : style.red('FAILED')}  ${report.name} (${report.board}, ${report.branch})`,
  ];
  for (const { step, kind, outcome, problems } of report.steps) {
    if (outcome === 'done') continue;
    lines.push(`  step ${step} ${kind}: ${outcome}`, ...problems.map((problem) => `    ${problem}`));
  }
  for (const { code, where } of report.findings) {
    lines.push(`  ${style.yellow(code)} at ${where}: ${findingTexts[code]}`);
  }
  if (!report.passed) lines.push(`  replay: ${replay}`);
  return lines;
}

function timelineText({ report, partitions }: ScenarioRunResult, style: Style): string {
  const events = renderTable(
    [{ heading: 'seconds', align: 'right' }, { heading: 'phase' }, { heading: 'event' }],
    report.timeline.map(({ atMs, phase, text }) => [(atMs / 1000).toFixed(3), phase, text]),
    style.bold,
  );
  const wear = renderTable(
    [
      { heading: 'wear of' },
      { heading: 'erase blocks', align: 'right' },
      { heading: 'erases', align: 'right' },
      { heading: 'most worn', align: 'right' },
    ],
    partitions.map(({ label, eraseBlocks, erases, most }) => [label, eraseBlocks, erases, most]),
    style.bold,
  );
  const onRam = `The root was on RAM for ${(report.onRamMs / 1000).toFixed(3)} s: what changed then is lost with the power.`;
  const { asked, watchdog, panic } = report.restarts;
  const restarts = `Restarts: ${asked} asked for, ${watchdog} by the watchdog, ${panic} after a panic.`;
  return `\n${events}\n${onRam}\n${restarts}\n\n${wear}`;
}

/** Writes the runs as JUnit XML; the time of a run is the emulated one. */
export function junitOfRuns(runs: readonly ScenarioRunResult[]): string {
  return renderJunit(
    'firmwright emulate',
    runs.map(({ report, replay }) => {
      const problems = report.steps.flatMap((step) =>
        step.outcome === 'failed'
          ? step.problems.map((problem) => `step ${step.step} ${step.kind}: ${problem}`)
          : [],
      );
      const name = `${report.name} (${report.board}, ${report.branch})`;
      return problems.length === 0
        ? { name }
        : { name, failure: `${problems.join('; ')}; replay: ${replay}` };
    }),
  );
}
