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

test('no verb, an unknown verb and an unknown option are usage errors with a hint', async () => {
  for (const argv of [[], ['bulid'], ['boards', '--nonsense'], ['boards', 'paint']]) {
    const { exitCode, stdout, stderr } = await firmwright(argv);
    expect(exitCode, argv.join(' ')).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: .* \[FW_USAGE_ARGUMENT\]\nhint: firmwright .*--help\n$/);
  }
});

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

test('completion prints a script for the shell', async () => {
  const { exitCode, stdout } = await firmwright(['completion'], { env: { SHELL: '/bin/bash' } });
  expect(exitCode).toBe(0);
  expect(stdout).toContain('--get-yargs-completions');
});
