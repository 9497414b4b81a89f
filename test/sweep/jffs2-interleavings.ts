/**
 * Explores operations of a mounted JFFS2 in flight together with the collector: every operation with it at every moment, and
 * every pair of operations with it between, in all scenes; prints the counts.
 *
 *     npx tsx test/sweep/jffs2-interleavings.ts [--jobs N] [--schedules N] [--preemptions N] [--pairs] [--part I/N] [--scene NAME]
 *
 * `--part 2/5` does every fifth meeting from the second, so that a long run can be done in pieces; defaults: 2 jobs, 400 schedules
 * a meeting, as many preemptions as there may be (pairs: 1).
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { explore } from '../support/interleavings.js';
import { calls, Jffs2Scene, sceneKinds } from '../support/jffs2-meetings.js';
import type { Call, Moment, SceneName } from '../support/jffs2-meetings.js';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '2' },
    schedules: { type: 'string', default: '400' },
    preemptions: { type: 'string' },
    pairs: { type: 'boolean', default: false },
    part: { type: 'string', default: '1/1' },
    scene: { type: 'string' },
    worker: { type: 'boolean', default: false },
  },
});

interface Counts {
  meetings: number;
  complete: number;
  schedules: number;
  violations: number;
}

/** Meetings of this part, spread over the scenes and moments. */
function* meetings(): Generator<[Jffs2Scene, Moment, readonly Call[]]> {
  const [part = 1, parts = 1] = values.part.split('/').map(Number);
  let number = 0;
  for (const name of Object.keys(sceneKinds) as SceneName[]) {
    if (values.scene !== undefined && name !== values.scene) continue;
    const scene = new Jffs2Scene(name);
    const moments = scene.moments();
    for (const [at, first] of calls.entries()) {
      const partners = values.pairs ? calls.slice(at).map((second) => [first, second]) : [[first]];
      for (const [index, together] of partners.entries())
        // A pair meets the collector at two moments, an operation alone at all.
        for (const [order, moment] of moments.entries()) {
          if (values.pairs && (at + index + order) % Math.ceil(moments.length / 2) !== 0) continue;
          number += 1;
          if (number % parts === part % parts) yield [scene, moment, together];
        }
    }
  }
}

function work(): Counts {
  const counts: Counts = { meetings: 0, complete: 0, schedules: 0, violations: 0 };
  const preemptions = Number(values.preemptions ?? (values.pairs ? 1 : Infinity));
  for (const [scene, moment, together] of meetings()) {
    const meeting = scene.meeting(moment, together, values.pairs ? 2 : 3);
    const result = explore(meeting, { schedules: Number(values.schedules), preemptions });
    counts.meetings += 1;
    counts.schedules += result.schedules;
    if (result.complete && !result.pruned) counts.complete += 1;
    if (!result.violation) continue;
    counts.violations += 1;
    console.log(
      `FW_REPLAY='${result.violation.replay}' npx vitest run test/property/jffs2-interleavings.test.ts`,
    );
    console.log(result.violation.what);
  }
  return counts;
}

/** Gives each worker a part of this part. */
async function spread(jobs: number): Promise<Counts> {
  const [part = 1, parts = 1] = values.part.split('/').map(Number);
  const others = process.argv.slice(2).filter((word) => word !== values.part && word !== '--part');
  const run = (job: number): Promise<Counts> =>
    new Promise((resolve, reject) => {
      const share = ['--worker', '--part', `${part + parts * job}/${parts * jobs}`];
      const worker = fork(fileURLToPath(import.meta.url), [...others, ...share], {
        execArgv: ['--import', 'tsx'],
      });
      worker.once('message', (counts) => {
        resolve(counts as Counts);
      });
      worker.once('exit', (status) => {
        reject(new Error(`a worker ended with status ${status ?? 'none'}`));
      });
    });
  const all = await Promise.all(Array.from({ length: jobs }, (_, job) => run(job)));
  return all.reduce((sum, counts) => ({
    meetings: sum.meetings + counts.meetings,
    complete: sum.complete + counts.complete,
    schedules: sum.schedules + counts.schedules,
    violations: sum.violations + counts.violations,
  }));
}

async function main(): Promise<void> {
  if (values.worker) {
    process.send?.(work());
    return;
  }
  const jobs = Number(values.jobs);
  const { meetings: met, complete, schedules, violations } = jobs > 1 ? await spread(jobs) : work();
  console.log(
    `${met} meetings, ${complete} in all their interleavings; ${schedules} schedules, ${violations} violations`,
  );
  process.exitCode = violations > 0 ? 1 : 0;
}

void main();
