import { expect, test } from 'vitest';
import { firmwright, jsonOf } from '../support/cli.js';

test('--help lists every verb and the exit codes on stdout', async () => {
  const { exitCode, stdout, stderr } = await firmwright(['--help']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('firmwright boards');
  expect(stdout).toContain('10 does not fit');
  expect(stderr).toBe('');
});

test('the help of a verb shows its options and examples', async () => {
  const { exitCode, stdout } = await firmwright(['boards', '--help']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Examples:');
});

test('help VERB is VERB --help', async () => {
  expect(await firmwright(['help', 'mkfs', 'jffs2'])).toEqual(await firmwright(['mkfs', 'jffs2', '--help']));
  expect(await firmwright(['help'])).toEqual(await firmwright(['--help']));
});

test.each([
  [[], 'name a verb', 'firmwright --help'],
  [['paint'], 'there is no verb paint', 'firmwright --help'],
  [['budgte', 'x'], 'there is no verb budgte', 'did you mean budget?'],
  [['boards', '--nonsense'], 'boards has no option --nonsense', 'firmwright boards --help'],
  [['budget', 'x', '--bord', 'y'], 'budget has no option --bord', 'did you mean --board?'],
  [['doctor', 'x'], 'doctor takes no further word: x', 'firmwright doctor'],
  [['diff', 'x'], 'diff needs <old> <new>', 'firmwright diff --help'],
  [
    ['boards', 'paint'],
    'action is paint, expected one of list, show, lint, steps',
    'firmwright boards --help',
  ],
  [['mkfs'], 'mkfs needs one of squashfs, jffs2', 'firmwright mkfs --help'],
  [['mkfs', 'ext4', 'a', 'b'], 'mkfs has no ext4, expected one of squashfs, jffs2', 'firmwright mkfs --help'],
  [['mkfs', 'jffs2', 'a', 'b'], 'mkfs jffs2 needs --endian', 'firmwright mkfs jffs2 --help'],
  [
    ['mkfs', 'jffs2', 'a', 'b', '--endian', 'middle'],
    '--endian is middle, expected one of little, big',
    'firmwright mkfs jffs2 --help',
  ],
  [['budget', 'x', '--top', 'abc'], '--top takes a number, not abc', 'firmwright budget --help'],
  [['build', 'x', '--jobs=two'], '--jobs takes a number, not two', 'firmwright build --help'],
  [['check', 'x', '--board'], '--board takes a value', 'firmwright check --help'],
] as const)('%j is refused with what is wrong and what would be right', async (argv, message, hint) => {
  const { exitCode, stdout, stderr } = await firmwright(argv);
  expect(stderr).toBe(`error: ${message} [FW_USAGE_ARGUMENT]\nhint: ${hint}\n`);
  expect(exitCode).toBe(2);
  expect(stdout).toBe('');
});

test('a board id that is misspelt is answered with the nearest ones', async () => {
  const { exitCode, stderr } = await firmwright(['boards', 'show', 'ubnt_unify-ap']);
  expect(exitCode).toBe(2);
  expect(stderr).toBe(
    'error: no board profile is called ubnt_unify-ap [FW_USAGE_BOARD]\n' +
      'hint: did you mean ubnt_unifi-ap? (firmwright boards list)\n',
  );
});

test.each(['squashfs', 'jffs2 --endian big'])(
  'mkfs %s refuses a build time that is no number',
  async (kind) => {
    const words = ['mkfs', ...kind.split(' '), 'board-profiles', 'never-written'];
    const { exitCode, stderr } = await firmwright(words, { env: { SOURCE_DATE_EPOCH: 'today' } });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('SOURCE_DATE_EPOCH takes seconds from 0 to 4294967295, not today');
  },
);

test('with --json an error is a document on stdout too', async () => {
  const result = await firmwright(['boards', 'show', '--json']);
  expect(result.exitCode).toBe(2);
  expect(jsonOf(result)).toMatchObject({
    schemaVersion: 1,
    error: { code: 'FW_USAGE_ARGUMENT', exitCode: 2, hint: 'firmwright boards show ubnt_unifi-ap' },
  });
});

test('completion offers the verbs', async () => {
  const { stdout } = await firmwright(['--get-yargs-completions', 'firmwright', 'bo']);
  expect(stdout.split('\n')).toContain('boards');
});

test.each([
  [['build', 'x', '-b', 'ubnt_u'], 'ubnt_unifi-ap\n'],
  [['check', 'x', '--board', 'netgear_r'], 'netgear_r6220\n'],
  [['boards', 'show', 'glinet_gl-b'], 'glinet_gl-b1300\n'],
  [['build', 'x', '-b', 'none'], ''],
])('completion of %j offers board ids', async (words, expected) => {
  const { stdout } = await firmwright(['--get-yargs-completions', 'firmwright', ...words]);
  expect(stdout).toBe(expected);
});

test('completion prints a script for the shell', async () => {
  const { exitCode, stdout } = await firmwright(['completion'], { env: { SHELL: '/bin/bash' } });
  expect(exitCode).toBe(0);
  expect(stdout).toContain('--get-yargs-completions');
});
