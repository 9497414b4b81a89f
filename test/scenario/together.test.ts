/** Several operations in flight: in scenarios and in the shell. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type OrderReplay, type ScenarioReport } from '../../tools/emulator/index.js';
import { smallBoard, sysupgradeImage } from '../support/router-image.js';
import { problemsOf, runSteps } from '../support/scenario-steps.js';

const profile = smallBoard();
let image: Uint8Array;
beforeAll(async () => {
  image = await sysupgradeImage(profile, undefined, 60_000);
});

function run(steps: string, replay?: OrderReplay): ScenarioReport {
  return runSteps(steps, { profile, image, ...(replay ? { replay } : {}) });
}

/** Two writers of one file: which of them is last, the order decides. */
const rivals = `  - boot
  - together:
      explore: 30
      operations:
        - write: { path: /etc/config/network, text: first }
        - write: { path: /etc/config/network, text: other }
`;

describe('operations in flight together', () => {
  test('end in different ways in different orders, the same way with the same seed', () => {
    const demanding = `${rivals}      expect: { file: [{ path: /etc/config/network, text: first }] }\n`;
    const report = run(demanding);
    const failed = report.steps[1];
    expect(failed?.outcome).toBe('failed');
    expect(failed?.problems[0]).toMatch(/^order \d+: \/etc\/config\/network: expected 5 bytes/);
    const seed = failed?.seed ?? 0;
    expect(run(demanding, { step: 2, seed }).steps[1]).toEqual(failed);
    // Any other order may pass, and one does.
    const passing = Array.from({ length: 20 }, (_, at) => at + 1).filter(
      (other) => run(demanding, { step: 2, seed: other }).passed,
    );
    expect(passing.length).toBeGreaterThan(0);
    expect(passing).not.toContain(seed);
  });

  test('leave one of the ends that doing them one after the other leaves', () => {
    const report = run(`${rivals}      oneOf:
        - { file: [{ path: /etc/config/network, text: first }] }
        - { file: [{ path: /etc/config/network, text: other }] }
`);
    expect(problemsOf(report)).toEqual([]);
    const told = report.timeline.find(({ phase }) => phase === 'together')?.text ?? '';
    expect(Number(/^30 orders tried, (\d+) different$/.exec(told)?.[1])).toBeGreaterThan(10);
  });

  test('append whole pieces, and lose none', () => {
    const appends = Array.from(
      { length: 4 },
      (_, at) => `        - append: { path: /etc/config/network, text: "line ${at}\\n" }\n`,
    );
    const lines = Array.from(
      { length: 4 },
      (_, at) => `            - { path: /etc/config/network, contains: "line ${at}\\n" }\n`,
    );
    const report = run(`  - boot
  - together:
      explore: 40
      operations:
${appends.join('')}      expect:
          file:
${lines.join('')}`);
    expect(problemsOf(report)).toEqual([]);
  });

  test('that fail are told with their errno, unless they may', () => {
    const steps = `  - boot
  - write: { path: /etc/config/a, text: '1' }
  - together:
      explore: 10
      operations:
        - rm: { path: /etc/config/a }
        - rm: { path: /etc/config/a }
`;
    expect(problemsOf(run(steps))).toEqual([
      expect.stringMatching(/^order 1: rm \/etc\/config\/a: expected done, found ENOENT$/),
    ]);
    expect(problemsOf(run(`${steps}      mayFail: [ENOENT]\n`))).toEqual([]);
  });

  test('change the device as the first order does, once', () => {
    const report = run(`  - boot
  - together:
      explore: 5
      operations:
        - write: { path: /srv/a, text: a }
        - ln: { target: a, path: /srv/b, symbolic: true }
  - expect: { file: [{ path: /srv/a, text: a }, { path: /srv/b }] }
  - reboot
  - expect: { file: [{ path: /srv/a, text: a }, { path: /srv/b }] }
`);
    expect(problemsOf(report)).toEqual([]);
  });

  test('work on the RAM overlay and are refused in failsafe', () => {
    expect(
      problemsOf(
        run(`  - boot: { stop: preinit }
  - together: { explore: 5, operations: [{ write: { path: /a, text: a } }, { mkdir: { path: /b } }] }
  - expect: { state: ram-overlay, file: [{ path: /a, text: a }, { path: /b }] }
`),
      ),
    ).toEqual([]);
    expect(
      problemsOf(
        run(`  - boot: { failsafe: true }
  - together: { operations: [{ write: { path: /etc/passwd, text: a } }, { mkdir: { path: /b } }] }
`),
      ),
    ).toEqual([
      'order 1: write /etc/passwd: expected done, found EROFS',
      'order 1: mkdir /b: expected done, found EROFS',
    ]);
  });
});

describe('a power cut in their midst', () => {
  const cut = (how: string): string => `  - boot
  - write: { path: /etc/config/a, text: 'old' }
  - together:
      explore: 12
      cut: ${how}
      operations:
        - write: { path: /etc/config/c, bytes: 5000 }
        - mv: { from: /etc/config/a, to: /etc/config/b }
      oneOf:
        - { state: jffs2-overlay, file: [{ path: /etc/config/a, text: old }] }
        - { state: jffs2-overlay, file: [{ path: /etc/config/a, absent: true }, { path: /etc/config/b, text: old }] }
  - expect: { state: 'off' }
  - boot
  - expect: { state: jffs2-overlay }
`;

  test('at any operation leaves a device that boots with the old or the new name', () => {
    const report = run(cut('{ tear: half }'));
    expect(problemsOf(report)).toEqual([]);
    expect(report.steps[2]?.outcome).toBe('power-cut');
  });

  test('that never comes is told', () => {
    expect(problemsOf(run(cut('{ operation: 5000 }')))).toEqual([
      'order 1: power cut: expected, found that fewer flash operations were done',
    ]);
  });
});
