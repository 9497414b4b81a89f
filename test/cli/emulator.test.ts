import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { checkDocument, emulateDocument, whichDocument } from '../../tools/cli/documents/check.js';
import { resetDocument, upgradeDocument } from '../../tools/cli/documents/preview.js';
import { chipFromImage, splitCommandLine } from '../../tools/emulator/index.js';
import { endMarker, readChunks } from '../../tools/firmware/index.js';
import { firmwright, jsonOf } from '../support/cli.js';
import { profileOf, sysupgradeImage } from '../support/router-image.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const board = ['--board', 'ubnt_unifi-ap'];
const scenario = fileURLToPath(new URL('../../images/demo/scenarios/factory-reset.yaml', import.meta.url));
const folder = temporaryFolder();
let image = '';
beforeAll(async () => {
  image = join(folder, 'sysupgrade.bin');
  writeFileSync(image, await sysupgradeImage(profileOf('ubnt_unifi-ap')));
});

test('check proves an image, names the known flaws, and writes JUnit', async () => {
  const junit = join(folder, 'check.xml');
  const result = await firmwright(['check', image, ...board, '--json', '--junit', junit]);
  expect(result.exitCode).toBe(0);
  const document = checkDocument.parse(jsonOf(result));
  expect(document.passed).toBe(true);
  expect(document.findings.map(({ code }) => code)).toContain('hidden-files-survive');
  expect(readFileSync(junit, 'utf8')).toMatch(
    /<testsuite name="firmwright check ubnt_unifi-ap" tests="\d+" failures="0">/,
  );
});

test('one power cut is replayed by its name', async () => {
  const result = await firmwright(['check', image, ...board, '--json', '--replay', 'reset:1:half']);
  expect(checkDocument.parse(jsonOf(result)).cuts).toMatchObject([{ phase: 'reset', cuts: 1 }]);
  expect((await firmwright(['check', image, ...board, '--replay', 'reset'])).exitCode).toBe(4);
});

test('a cut that breaks the promise is told with the line that repeats it, in text and JUnit', async () => {
  // Nothing formats the overlay of this image: no end marker, and other bytes in its place.
  const unmarked = Buffer.from(readFileSync(image));
  for (let at = unmarked.indexOf(endMarker); at >= 0; at = unmarked.indexOf(endMarker))
    unmarked.fill('x', at, at + 4);
  const upgrade = join(folder, 'no marker.bin');
  writeFileSync(upgrade, unmarked.subarray(0, readChunks(readFileSync(image)).at(-1)?.offset));
  const junit = join(folder, 'violations.xml');
  const options = ['--upgrade', upgrade, '--branch', '19.07', '--safe-carrier'];
  const sweep = ['check', image, ...board, ...options, '--power-cuts', 'sample', '--junit', junit];
  const { exitCode, stdout } = await firmwright(sweep);
  expect(exitCode).toBe(11);
  const line = /VIOLATION.* (recovery flashing does not help.*)\n {2}replay: firmwright (.*)\n/.exec(stdout);
  const [, reason = '', replay = ''] = line ?? [];
  expect(readFileSync(junit, 'utf8')).toContain(`replay: firmwright ${replay.replaceAll("'", "'")}`);
  const again = await firmwright([...splitCommandLine(replay), '--json']);
  expect(again.exitCode).toBe(11);
  const document = checkDocument.parse(jsonOf(again));
  expect(document.branch).toBe('19.07');
  expect(document.cuts.flatMap(({ violations }) => violations)).toMatchObject([
    { reason: expect.stringContaining(reason) as string },
  ]);
});

test('every verb that runs the device takes a release, which is no number', async () => {
  const scenario = join(folder, 'branch.yaml');
  writeFileSync(scenario, 'name: x\nsteps: [boot]\n');
  for (const words of [
    ['check', image, '--replay', 'reset:1:half'],
    ['emulate', scenario, '--image', image],
    ['reset', image, '--preview'],
    ['upgrade', image, image, '--preview'],
    ['which', image, '/etc/passwd'],
  ])
    expect((await firmwright([...words, ...board, '--branch', '19.07'])).exitCode, words[0]).toBe(0);
});

test('an image of another board is refused with exit code 4', async () => {
  const result = await firmwright(['check', image, '--board', 'tplink_archer-c7-v2']);
  expect(result.exitCode).toBe(4);
  expect(result.stderr).toContain('FW_EMULATOR_IMAGE');
});

test('a truncated image and a dump of the wrong size are refused', async () => {
  const short = join(folder, 'short.bin');
  writeFileSync(short, readFileSync(image).subarray(0, 100_000));
  expect((await firmwright(['check', short, ...board])).exitCode).toBe(4);
  const long = join(folder, 'long.bin');
  writeFileSync(long, Buffer.alloc(9 * 1024 ** 2));
  const result = await firmwright(['check', long, ...board]);
  expect(result.exitCode).toBe(4);
  expect(result.stderr).toContain('expected a dump of 8 388 608 bytes');
});

test('emulate runs the matrix of a scenario; a dump is changed in place, with --snapshot not', async () => {
  const result = await firmwright(['emulate', scenario, '--image', image, ...board, '--json']);
  expect(result.exitCode).toBe(0);
  expect(emulateDocument.parse(jsonOf(result)).runs).toHaveLength(4);

  const dump = join(folder, 'dump.bin');
  const before = chipFromImage(profileOf('ubnt_unifi-ap'), readFileSync(image)).image();
  writeFileSync(dump, before);
  const simple = join(folder, 'boot.yaml');
  writeFileSync(simple, 'name: boot\nsteps: [boot]\n');
  expect((await firmwright(['emulate', simple, '--flash', dump, '--snapshot', ...board])).exitCode).toBe(0);
  expect(readFileSync(dump).equals(before)).toBe(true);
  expect((await firmwright(['emulate', simple, '--flash', dump, ...board])).exitCode).toBe(0);
  expect(readFileSync(dump).equals(before)).toBe(false);
  const which = await firmwright(['which', dump, '/etc/uci-defaults/10_first', ...board, '--json']);
  expect(whichDocument.parse(jsonOf(which))).toMatchObject({ layer: 'none' });
});

test('a scenario that fails ends with exit code 11, faults of its file with 3', async () => {
  const wrong = join(folder, 'wrong.yaml');
  writeFileSync(wrong, 'name: wrong\nsteps:\n  - boot\n  - expect: { state: no-boot }\n');
  const failed = await firmwright(['emulate', wrong, '--image', image, ...board]);
  expect(failed.exitCode).toBe(11);
  expect(failed.stdout).toContain('expected no-boot, found jffs2-overlay');
  writeFileSync(wrong, 'name: wrong\nsteps:\n  - bot\n');
  expect((await firmwright(['emulate', wrong, '--image', image, ...board])).exitCode).toBe(3);
});

test('a failed run prints the line that repeats it alone, in text, JSON and JUnit', async () => {
  const file = join(folder, 'one of two.yaml');
  writeFileSync(
    file,
    'name: matrix\nmatrix: { state: [jffs2-overlay, no-boot] }\nsteps:\n  - boot\n  - expect: { state: "${state}" }\n',
  );
  const junit = join(folder, 'runs.xml');
  const result = await firmwright(['emulate', file, '--image', image, ...board, '--json', '--junit', junit]);
  expect(result.exitCode).toBe(11);
  const { runs } = emulateDocument.parse(jsonOf(result));
  expect(runs.map(({ passed }) => passed)).toEqual([true, false]);
  const replay = runs[1]?.replay ?? '';
  expect(readFileSync(junit, 'utf8')).toContain('--only');
  // The line is for a shell; its quotes are simple.
  const words = [...replay.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
  const again = await firmwright(words.slice(1));
  expect(again.exitCode).toBe(11);
  expect(again.stdout).toContain(`replay: ${replay}`);
});

test('a run that fails leaves its dump as it was, and the printed line repeats the failure', async () => {
  const dump = join(folder, 'failing.bin');
  const before = chipFromImage(profileOf('ubnt_unifi-ap'), readFileSync(image)).image();
  writeFileSync(dump, before);
  const failing = join(folder, 'failing.yaml');
  const steps = '[boot, { rm: { path: /etc/passwd } }, { expect: { file: [{ path: /etc/passwd }] } }]';
  writeFileSync(failing, `name: failing\nsteps: ${steps}\n`);
  const { exitCode, stdout } = await firmwright(['emulate', failing, '--flash', dump, ...board]);
  expect(exitCode).toBe(11);
  expect(readFileSync(dump).equals(before)).toBe(true);
  const [, line = ''] = /replay: firmwright (.*)\n/.exec(stdout) ?? [];
  const again = await firmwright(splitCommandLine(line));
  expect([again.exitCode, again.stdout]).toEqual([11, stdout]);
});

test('the order that a step `together` failed in is in the line that repeats it', async () => {
  const file = join(folder, 'together.yaml');
  writeFileSync(
    file,
    `name: rivals
steps:
  - boot
  - together:
      explore: 30
      operations: [{ write: { path: /etc/a, text: a } }, { write: { path: /etc/a, text: b } }]
      expect: { file: [{ path: /etc/a, text: a }] }
`,
  );
  const failed = await firmwright(['emulate', file, '--image', image, ...board]);
  expect(failed.exitCode).toBe(11);
  const [line, replay] = /replay: .*--replay (2:\d+)$/m.exec(failed.stdout) ?? [];
  const again = await firmwright(['emulate', file, '--image', image, ...board, '--replay', replay ?? '']);
  expect(again.exitCode).toBe(11);
  expect(again.stdout).toContain(line);
  const wrong = await firmwright(['emulate', file, '--image', image, ...board, '--replay', 'x']);
  expect(wrong.stderr).toContain('expected STEP:SEED');
  expect(wrong.exitCode).toBe(2);
});

test('the power is cut in the steps of a scenario: table, document, JUnit, and the line that repeats a cut', async () => {
  const file = join(folder, 'cuts.yaml');
  writeFileSync(
    file,
    "name: cuts\nafterCut: { file: [{ path: /srv/a, text: '1' }] }\nsteps: [boot, { write: { path: /srv/a, text: '1' } }]\n",
  );
  const junit = join(folder, 'cuts.xml');
  const words = ['emulate', file, '--image', image, ...board];
  const sweep = await firmwright([...words, '--power-cuts', 'sample', '--junit', junit]);
  expect(sweep.exitCode).toBe(11);
  expect(sweep.stdout).toMatch(/FAILED {2}cuts \(ubnt_unifi-ap, .*\): \d+ power cuts, \d+ VIOLATIONS\n/);
  expect(sweep.stdout).toMatch(/step-2-write, during recovery +\d+ +\d+/);
  expect(readFileSync(junit, 'utf8')).toContain('power cuts in step-2-write, during recovery');
  const line = /VIOLATION.* afterCut: .*\n {2}replay: firmwright (.* --replay step-1-boot:0:before)\n/.exec(
    sweep.stdout,
  );
  const again = await firmwright([...splitCommandLine(line?.[1] ?? ''), '--json']);
  expect(again.exitCode).toBe(11);
  const document = emulateDocument.parse(jsonOf(again));
  expect(document.passed).toBe(false);
  expect(document.runs).toMatchObject([
    {
      passed: false,
      cuts: [
        { phase: 'step-1-boot', during: 'flow', cuts: 1, violations: [{ replay: 'step-1-boot:0:before' }] },
      ],
    },
  ]);
  const spread = await firmwright([...words, '--power-cuts', 'sample', '--jobs', '2', '--json']);
  const findings = emulateDocument.parse(jsonOf(spread)).runs.flatMap((run) => run.findings);
  expect(findings.length).toBeGreaterThan(0);
  expect(new Set(findings.map(({ code, where }) => `${code} ${where}`)).size).toBe(findings.length);
  expect((await firmwright([...words, '--replay', 'step-9-boot:1:half'])).exitCode).toBe(4);
  expect((await firmwright([...words, '--replay', 'nonsense'])).exitCode).toBe(2);
});

test('the timeline tells events, the time on RAM, and wear by partition', async () => {
  const simple = join(folder, 'timeline.yaml');
  writeFileSync(simple, 'name: boot\nsteps: [boot]\n');
  const { stdout } = await firmwright(['emulate', simple, '--image', image, ...board, '--timeline']);
  expect(stdout).toMatch(/^ +0\.000 {2}boot {5}power on$/m);
  expect(stdout).toMatch(/The root was on RAM for \d+\.\d{3} s/);
  expect(stdout).toMatch(/^rootfs_data +\d+ +\d+ +\d+$/m);
});

test('check prints one block of flaws, each on a line of its own', async () => {
  const { stdout } = await firmwright(['check', image, ...board, '--safe-carrier']);
  const flaws = stdout.slice(stdout.indexOf('Known flaws')).trimEnd().split('\n');
  expect(flaws.length).toBeGreaterThan(3);
  for (const line of flaws.slice(1)) expect(line).toMatch(/^ {2}[a-z0-9-]+: .+ \(.+\)$/);
});

test('previews of reset and upgrade leave a dump alone; without --preview it is changed in place', async () => {
  const dump = join(folder, 'previewed.bin');
  const profile = profileOf('ubnt_unifi-ap');
  const setUp = join(folder, 'set-up.yaml');
  writeFileSync(
    setUp,
    'name: set up\nsteps:\n  - boot\n  - write: { path: /srv/.ssh/a, text: a }\n  - write: { path: /etc/config/b, text: b }\n',
  );
  writeFileSync(dump, chipFromImage(profile, readFileSync(image)).image());
  expect((await firmwright(['emulate', setUp, '--flash', dump, ...board])).exitCode).toBe(0);
  const before = readFileSync(dump);

  const told = await firmwright(['reset', dump, ...board, '--preview', '--json']);
  const { entries, preview } = resetDocument.parse(jsonOf(told));
  expect(preview).toBe(true);
  expect(entries).toContainEqual({ path: '/etc/config/b', fate: 'removed' });
  expect(entries.find(({ path }) => path === '/srv/.ssh/a')?.fate).toBe('survives');
  const upgrade = await firmwright(['upgrade', dump, image, ...board, '--preview', '--json']);
  expect(upgradeDocument.parse(jsonOf(upgrade))).toMatchObject({
    verdict: 'attention',
    lost: ['/srv/.ssh/a'],
  });
  const text = await firmwright(['upgrade', dump, image, ...board, '--preview']);
  expect(text.stdout).toMatch(/^LOST: not on the keep list +\/srv\/.ssh\/a$/m);
  expect(readFileSync(dump).equals(before)).toBe(true);

  expect((await firmwright(['upgrade', dump, image, ...board])).exitCode).toBe(0);
  expect((await firmwright(['which', dump, '/etc/config/b', ...board])).stdout).toContain('upper');
  expect((await firmwright(['which', dump, '/srv/.ssh/a', ...board])).exitCode).toBe(11);
  expect((await firmwright(['reset', dump, ...board])).exitCode).toBe(0);
  expect((await firmwright(['which', dump, '/etc/config/b', ...board])).exitCode).toBe(11);
});

test('an upgrade that the device would refuse ends with exit code 11 and says why', async () => {
  const other = join(folder, 'other.bin');
  writeFileSync(other, 'no image');
  const result = await firmwright(['upgrade', image, other, ...board, '--preview']);
  expect(result.exitCode).toBe(11);
  expect(result.stdout).toMatch(/^refused\n {2}image metadata not present/m);
  expect(result.stdout).toMatch(/--force \(-F\) .* does not start again: no uImage at 0x0/);
});
