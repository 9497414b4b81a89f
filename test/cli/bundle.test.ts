/** The program as `npm run build:js` bundles it, against its sources. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { wrapText } from '../../tools/cli/render/plain-layout.js';
import { firmwright } from '../support/cli.js';
import { cliPath, path, requires } from '../support/requires.js';

const helps = ['', 'mkfs', 'mkfs squashfs', 'build', 'check'];

requires(path(cliPath))('the bundle lays out every help text as the sources do', async () => {
  for (const verb of helps) {
    const words = [...verb.split(' ').filter((word) => word !== ''), '--help'];
    const { stdout } = spawnSync(process.execPath, [cliPath, ...words], { encoding: 'utf8' });
    expect(stdout, verb).toBe((await firmwright(words)).stdout);
  }
});

requires(path(cliPath))('a bundled verb whose work runs in processes of its own finds their modules', () => {
  const { stderr } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { exploreShares } from ${JSON.stringify(cliPath.replace('cli/main', 'flash/explorer-pool'))};
       import { cutShares } from ${JSON.stringify(cliPath.replace('cli/main', 'emulator/check/shares'))};
       console.error(typeof exploreShares, typeof cutShares);`,
    ],
    { encoding: 'utf8' },
  );
  expect(stderr).toBe('function function\n');
});

test.each([
  ['words that fit stay on a line', 'one two', 7, 'one two'],
  ['a word that does not fit starts a line', 'one two', 6, 'one\ntwo'],
  ['spaces inside a line stay', 'a  b c', 6, 'a  b c'],
  ['spaces at a break go', '  a  b', 3, 'a\nb'],
  ['a word longer than a line is broken', 'abcdefgh i', 3, 'abc\ndef\ngh\ni'],
  ['lines stay lines', 'a\n\nb', 9, 'a\n\nb'],
])('plain layout: %s', (_, text, columns, expected) => {
  expect(wrapText(text, columns)).toBe(expected);
});

requires(path(cliPath), path('/dev/full'))(
  'a result that finds no room on standard output is exit code 5, in one line',
  () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [cliPath, 'boards'], {
      encoding: 'utf8',
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    expect(stderr.split('\n')[0]).toBe('error: no space left for standard output [FW_ENV_DISK_FULL]');
    expect(status).toBe(5);
  },
);
