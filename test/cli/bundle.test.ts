/** The program as `npm run build:js` bundles it, against its sources. */
import { spawnSync } from 'node:child_process';
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
