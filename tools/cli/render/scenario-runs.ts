/** Results of scenario runs as text and as JUnit. */
import {
  findingTexts,
  type CutTable,
  type PartitionWear,
  type ScenarioReport,
} from '../../emulator/index.js';
import { renderJunit, type JunitCase } from './junit.js';
import { cutTexts, cutVerdict, junitOfCuts, type ReplayCut } from './power-cuts.js';
import type { Style } from './style.js';
import { renderTable } from './table.js';

/** One run, with what the chip went through. */
export interface ScenarioRunResult {
  readonly report: ScenarioReport;
  /** Every step was done, and no power cut broke the promise. */
  readonly passed: boolean;
  readonly cuts: readonly CutTable[];
  /** Erases of each block of the chip. */
  readonly wear: readonly number[];
  readonly partitions: readonly PartitionWear[];
  /** Command line that repeats this run alone. */
  readonly replay: string;
}

/** Makes the command line that repeats a power cut of a run. */
function replayCut(run: ScenarioRunResult): ReplayCut {
  return (id) => `${run.replay} --replay ${id}`;
}

/** Writes the runs for people; with `timeline` also what happened when, and the wear. */
export function renderRuns(runs: readonly ScenarioRunResult[], timeline: boolean, style: Style): string {
  return runs
    .map((run) => {
      const cuts = cutTexts(run.cuts, replayCut(run), style).map((text) => `\n${text}`);
      const lines = [...outcomeLines(run, style), ''].join('\n');
      return `${lines}${cuts.join('')}${timeline ? timelineText(run, style) : ''}`;
    })
    .join('');
}

function outcomeLines({ report, passed, cuts, replay }: ScenarioRunResult, style: Style): string[] {
  const swept = cuts.length === 0 ? '' : `: ${cutVerdict(cuts)}`;
  const lines = [
    `${passed ? style.green('passed') : style.red('FAILED')}  ${report.name} (${report.board}, ${report.branch})${swept}`,
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

/** Writes the runs as JUnit XML: a case for each run, and for each table of its power cuts. */
export function junitOfRuns(runs: readonly ScenarioRunResult[]): string {
  return renderJunit('firmwright emulate', runs.flatMap(junitOfRun));
}

function junitOfRun(run: ScenarioRunResult): readonly JunitCase[] {
  const { report, cuts, replay } = run;
  const name = `${report.name} (${report.board}, ${report.branch})`;
  const problems = report.steps.flatMap((step) =>
    step.outcome === 'failed'
      ? step.problems.map((problem) => `step ${step.step} ${step.kind}: ${problem}`)
      : [],
  );
  const failure = { failure: `${problems.join('; ')}; replay: ${replay}` };
  const swept = cuts.map((table) => junitOfCuts(table, replayCut(run)));
  return [
    { name, ...(problems.length === 0 ? {} : failure) },
    ...swept.map((cut) => ({ ...cut, name: `${name}: ${cut.name}` })),
  ];
}
