/** The commands of README.md and the examples of `--help`, run as they are written. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import yargs from 'yargs';
import type { Command } from '../../tools/cli/command.js';
import { verbs } from '../../tools/cli/verbs.js';
import { cliPath } from '../support/requires.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const folder = temporaryFolder();

/** Runs a line in a shell in which `firmwright` is the program of this checkout; everything is written below a test folder. */
async function runLine(line: string, place: string): Promise<{ exitCode: number; stderr: string }> {
  const bin = join(folder, 'bin');
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: folder };
  return new Promise((resolve) => {
    const shell = execFile('sh', ['-c', line], { cwd: place, env, timeout: 120_000 }, (error, _, stderr) => {
      const code = error?.code;
      resolve({ exitCode: typeof code === 'number' ? code : error ? -1 : 0, stderr });
    });
    shell.stdin?.end();
  });
}

beforeAll(() => {
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/firmwright'), `#!/bin/sh\nexec '${process.execPath}' '${cliPath}' "$@"\n`, {
    mode: 0o755,
  });
});

describe('README.md', () => {
  const readme = readFileSync(join(checkout, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
  const lines = blocks.flatMap((block) => block.trim().split('\n'));
  const image = lines.find((line) => line.startsWith('IMAGE=')) ?? '';
  const commands = lines.filter((line) => line.startsWith('npx firmwright '));

  test('its commands work in their order, after the demo', { timeout: 300_000 }, async () => {
    const place = join(folder, 'readme');
    mkdirSync(place);
    symlinkSync(join(checkout, 'images'), join(place, 'images'));
    execFileSync('sh', [join(checkout, 'tools/dev/demo.sh'), join(place, 'out/demo')], { stdio: 'pipe' });
    // Mounting has tests of its own: it needs /dev/fuse and stays until it is undone.
    const runnable = commands.filter((line) => !line.startsWith('npx firmwright mount'));
    expect(runnable.length).toBeGreaterThan(12);
    for (const command of runnable) {
      const result = await runLine(`${image}\n${command.replace(/^npx /, '')}`, place);
      expect(result.exitCode, `${command}\n${result.stderr}`).toBe(0);
    }
  });
});

describe('--help', () => {
  test.each(verbs)('the examples of $usage are commands that it takes', async ({ usage, load }) => {
    const { configure } = await load();
    const name = usage.split(' ').filter((word) => /^[a-z0-9]+$/.test(word));
    const examples = await examplesOf(configure);
    expect(examples.length).toBeGreaterThan(0);
    // An example may show what to do next with another verb.
    const own = examples.filter((example) => example.startsWith(`$0 ${name.join(' ')}`));
    expect(own.length).toBeGreaterThan(0);
    for (const example of own) {
      const words = example
        .replace(/ >.*/, '')
        .split(' ')
        .slice(1 + name.length);
      const parser = yargs(words)
        .command(`$0 ${usage.split(' ').slice(name.length).join(' ')}`.trim(), '', configure)
        .options({ json: { type: 'boolean' }, quiet: { type: 'boolean' } })
        .strict()
        .exitProcess(false)
        .fail((message: string | null, error: Error | undefined) => {
          throw new Error(`${example}: ${message ?? error?.message ?? ''}`);
        });
      await parser.parseAsync();
    }
  });
});

/** What a verb gives as its examples, `$0` in place of the program. */
async function examplesOf(configure: Command['configure']): Promise<string[]> {
  const found: string[] = [];
  const parser = yargs([]);
  const example = vi.spyOn(parser, 'example').mockImplementation((line) => {
    // Above the command stands what it is for.
    found.push(String(line).split('\n').at(-1)?.trim() ?? '');
    return parser;
  });
  await parser
    .command('$0', '', configure)
    .fail(() => undefined)
    .parseAsync();
  example.mockRestore();
  return found;
}
