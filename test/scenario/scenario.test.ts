import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ProfileError } from '../../tools/core/index.js';
import {
  chipFromImage,
  Device,
  loadScenario,
  runScenario,
  scenarioJsonSchema,
  type ScenarioReport,
} from '../../tools/emulator/index.js';
import { profileOf, sysupgradeImage } from '../support/router-image.js';

const profile = profileOf('ubnt_unifi-ap');
let image: Uint8Array;
beforeAll(async () => {
  image = await sysupgradeImage(profile);
});

function run(yaml: string): readonly ScenarioReport[] {
  return loadScenario(yaml, 'test.yaml').map((scenario) => {
    const chip = chipFromImage(profile, image);
    const { branch, scriptEffects } = scenario;
    const device = new Device({ profile, chip, scriptEffects, ...(branch ? { branch } : {}) });
    return runScenario(scenario.name, scenario.steps, device, { image, read: () => image });
  });
}

test('settings survive a reboot and go with a factory reset', () => {
  const [report] = run(`
name: reset
steps:
  - boot
  - expect: { state: jffs2-overlay, fsState: ready, volume: jffs2 }
  - write: { path: /etc/config/wireless, text: "radio", mode: "0600" }
  - reboot
  - expect:
      file: [{ path: /etc/config/wireless, text: "radio", mode: "0600", layer: upper }]
  - factory-reset: { reboot: true }
  - expect:
      file: [{ path: /etc/config/wireless, absent: true }]
      treeEqualsBase: true
      unchanged: [u-boot, art]
`);
  expect(report?.steps.filter(({ outcome }) => outcome !== 'done')).toEqual([]);
});

test('the button does nothing on the RAM overlay, and the finding says so', () => {
  const [report] = run(`
name: button
steps:
  - boot: { stop: preinit }
  - expect: { state: ram-overlay, volume: end-marker }
  - factory-reset: { via: button }
`);
  expect(report?.passed).toBe(false);
  expect(report?.findings.map(({ code }) => code)).toEqual(['button-needs-overlay']);
});

test('a power cut inside the upgrade leaves a device that recovery flashing brings back', () => {
  const [report] = run(`
name: cut upgrade
steps:
  - boot
  - write: { path: /etc/config/x, text: "1" }
  - power-cut: { operation: 2, tear: half }
  - sysupgrade
  - boot
  - expect: { state: no-boot }
  - recovery-flash: {}
  - boot
  - expect: { state: jffs2-overlay, file: [{ path: /etc/config/x, absent: true }] }
`);
  expect(report?.steps.map(({ outcome }) => outcome)).toEqual([
    'done',
    'done',
    'done',
    'power-cut',
    'done',
    'done',
    'done',
    'done',
    'done',
  ]);
});

test('an upgrade keeps what the keep list names, on every branch of the matrix', () => {
  const reports = run(`
name: upgrade
matrix: { branch: ["19.07", "22.03", "24.10", "25.12"] }
steps:
  - boot
  - write: { path: /etc/config/x, text: "\${branch}" }
  - write: { path: /srv/y, text: "2" }
  - sysupgrade
  - expect:
      state: jffs2-overlay
      file:
        - { path: /etc/config/x, text: "\${branch}" }
        - { path: /srv/y, absent: true }
        - { path: /sysupgrade.tgz, absent: true }
`);
  expect(reports.map(({ branch, passed }) => [branch, passed])).toEqual([
    ['19.07', true],
    ['22.03', true],
    ['24.10', true],
    ['25.12', true],
  ]);
});

test('a full overlay keeps its files and can be emptied', () => {
  const [report] = run(`
name: full
steps:
  - boot
  - fill: { path: /srv/fill }
  - reboot
  - expect: { state: jffs2-overlay }
  - rm: { path: /srv/fill, recursive: true }
  - write: { path: /srv/after, bytes: 100000 }
  - expect: { file: [{ path: /srv/after, bytes: 100000 }] }
`);
  expect(report?.steps.filter(({ outcome }) => outcome !== 'done')).toEqual([]);
});

test('a run-once script has the effect that the scenario declares, at the first boot and after a reset', () => {
  const [report] = run(`
name: run-once
runOnce:
  10_first: [{ path: /etc/config/made, text: "by the script" }]
  20_not_there: [{ path: /etc/config/never, text: "" }]
steps:
  - boot
  - expect: &made
      file:
        - { path: /etc/config/made, text: "by the script", layer: upper }
        - { path: /etc/config/never, absent: true }
        - { path: /etc/uci-defaults/10_first, absent: true }
  - write: { path: /etc/config/made, text: "by the user" }
  - reboot
  - expect: { file: [{ path: /etc/config/made, text: "by the user" }] }
  - factory-reset: { reboot: true }
  - expect: *made
`);
  expect(report?.steps.flatMap(({ problems }) => problems)).toEqual([]);
});

test('an expectation that does not hold fails the scenario with expected and found', () => {
  const [report] = run('name: wrong\nsteps:\n  - boot\n  - expect: { state: ram-overlay }\n');
  expect(report?.passed).toBe(false);
  expect(report?.steps[1]?.problems).toEqual(['state: expected ram-overlay, found jffs2-overlay']);
});

test('faults of a scenario file are told with their line and column, all at once', () => {
  try {
    loadScenario('name: x\nsteps:\n  - boot\n  - bot\n  - write: { text: a }\n', 'bad.yaml');
    expect.unreachable();
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    expect(error.diagnostics.map(({ line }) => line)).toEqual([4, 5]);
  }
});

function faultsOf(yaml: string): readonly string[] {
  try {
    loadScenario(yaml, 'bad.yaml');
    return [];
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    return error.diagnostics.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`);
  }
}

test('faults of every combination of a matrix are told at once, at their place in the file', () => {
  const text = `name: x
matrix: { tear: [half, halve], n: [1, 0] }
steps:
  - power-cut: { operation: \${n}, tear: \${tear}, oops: 1 }
  - rm: { path: "/\${nothing}" }
`;
  expect(faultsOf(text)).toEqual([
    expect.stringMatching(/^bad.yaml:4:29 .*operation/),
    expect.stringMatching(/^bad.yaml:4:41 .*tear/),
    expect.stringMatching(/^bad.yaml:4:50 unknown key oops/),
    expect.stringMatching(/^bad.yaml:5:19 unknown variable nothing/),
  ]);
});

test('a variable is set from outside, a whole line of the matrix too', () => {
  const yaml = 'name: x\nmatrix: { way: [button, command] }\nsteps:\n  - factory-reset: { via: "${way}" }\n';
  expect(loadScenario(yaml, 'x.yaml', { way: 'mtd-erase' }).map(({ name }) => name)).toEqual([
    'x [way=mtd-erase]',
  ]);
});

test('the schema for editors is the one the loader checks with', () => {
  const file = new URL('../../images/demo/scenarios/schema.json', import.meta.url);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(scenarioJsonSchema())));
});

test('the shipped scenarios pass the schema for editors', () => {
  const check = new Ajv2020({ strict: false, allErrors: true }).compile(scenarioJsonSchema());
  const folder = fileURLToPath(new URL('../../images/demo/scenarios/', import.meta.url));
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
    check(parse(readFileSync(folder + file, 'utf8')));
    expect(check.errors ?? [], file).toEqual([]);
  }
});

test('the timeline tells how long the root was on RAM', () => {
  const [report] = run('name: x\nsteps:\n  - boot\n  - expect: { onRam: { atMostSeconds: 0 } }\n');
  expect(report?.steps[1]?.problems).toEqual([
    expect.stringMatching(/^seconds on RAM: expected at most 0, found \d/),
  ]);
  expect(report?.onRamMs).toBeGreaterThan(1000);
  const [after] = run('name: x\nsteps: [boot, reboot]\n');
  expect(after?.onRamMs).toBe(report?.onRamMs);
});

test('an unknown variable is named', () => {
  expect(() => loadScenario('name: x\nsteps:\n  - rm: { path: "/${nothing}" }\n', 'v.yaml')).toThrow(
    /nothing/,
  );
});
