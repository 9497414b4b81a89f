/** Where verbs write, the same for all of them: links, folders without a right, and what a cancelled run leaves. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { firmwright } from '../support/cli.js';
import { path, requires } from '../support/requires.js';
import { profileOf, routerTree, sysupgradeImage } from '../support/router-image.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const image = at('image.bin');
const resetScenario = fileURLToPath(
  new URL('../../images/demo/scenarios/factory-reset.yaml', import.meta.url),
);

beforeAll(async () => {
  mkdirSync(at('root'));
  writeFileSync(at('root/file'), 'content');
  writeFileSync(image, await sysupgradeImage(profileOf('ubnt_unifi-ap'), routerTree({})));
  expect(await firmwright(['unpack', image, '-C', at('parts'), '--quiet'])).toMatchObject({ exitCode: 0 });
  expect(await firmwright(['sign', '--make-key', at('key')])).toMatchObject({ exitCode: 0 });
});

type Words = Readonly<Record<string, (output: string) => readonly string[]>>;

/** Verbs that write one file. */
const writers: Words = {
  'mkfs squashfs': (output) => ['mkfs', 'squashfs', at('root'), output],
  'mkfs jffs2': (output) => ['mkfs', 'jffs2', at('root'), output, '--endian', 'big'],
  'unpack --tar': (output) => ['unpack', image, '--tar', output],
  repack: (output) => ['repack', at('parts'), '-o', output],
  sign: (output) => ['sign', image, '--key', at('key.sec'), '--out', output],
  'check --junit': (output) => ['check', image, '--junit', output],
};
/** Verbs that write a folder. */
const folderWriters: Words = {
  unpack: (output) => ['unpack', image, '-C', output],
  build: (output) => ['build', at('parts'), '-o', output],
};

describe('a link that leads to nothing yet stays one, and the output is where it leads', () => {
  test.each(Object.entries({ ...writers, ...folderWriters }))('%s', async (_, words) => {
    rmSync(at('target'), { recursive: true, force: true });
    rmSync(at('link'), { force: true });
    symlinkSync('target', at('link'));
    const { exitCode, stderr } = await firmwright([...words(at('link')), '--quiet']);
    expect(exitCode, stderr).toBe(0);
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
    expect(lstatSync(at('target')).size).toBeGreaterThan(0);
  });
});

test('links in a circle are one error', async () => {
  symlinkSync('circle', at('circle'));
  for (const words of Object.values({ ...writers, ...folderWriters })) {
    const { exitCode, stderr } = await firmwright([...words(at('circle')), '--quiet']);
    expect(stderr).toMatch(/error: .*ELOOP.*\[FW_ENV_FILE\]\n$/s);
    expect(exitCode).toBe(5);
  }
});

test('a file is no place for a folder', async () => {
  for (const words of Object.values(folderWriters)) {
    const { exitCode, stderr } = await firmwright([...words(image), '--quiet']);
    expect(stderr).toContain(`${image} `);
    expect(stderr).toContain('a file where a folder is expected [FW_USAGE_FILE]');
    expect(exitCode).toBe(2);
  }
});

describe('a folder in which nobody may write is told with the name of the output', () => {
  // Not even root makes files there.
  const output = '/sys/firmwright-output';
  for (const [verb, words] of Object.entries({ ...writers, ...folderWriters }))
    requires(path('/sys'))(verb, async () => {
      const { exitCode, stderr } = await firmwright([...words(output), '--quiet']);
      expect(stderr).toContain('[FW_ENV_ACCESS]');
      expect(stderr).toContain(output);
      expect(stderr).not.toContain('.part');
      expect(exitCode).toBe(5);
    });
});

describe('a run that is cancelled ends with 130 and leaves nothing', () => {
  const readers: Words = {
    inspect: () => ['inspect', image],
    budget: () => ['budget', image],
    diff: () => ['diff', image, image],
    sbom: () => ['sbom', image],
    tune: () => ['tune', image],
    emulate: () => ['emulate', resetScenario, '--image', image, '--board', 'ubnt_unifi-ap'],
  };
  test.each(Object.entries({ ...readers, ...writers, ...folderWriters }))('%s', async (_, words) => {
    const cancel = new AbortController();
    const output = at('cancelled');
    const before = readdirSync(folder);
    // The first time that the program looks up from its work.
    setImmediate(() => {
      cancel.abort();
    });
    const { exitCode, stdout, stderr } = await firmwright(words(output), { signal: cancel.signal });
    expect(stderr).toContain('cancelled; nothing was left half-written [FW_CANCELLED]');
    expect(exitCode).toBe(130);
    expect(stdout).toBe('');
    expect(readdirSync(folder)).toEqual(before);
  });
});

test('a key pair of which one file is there is not begun', async () => {
  writeFileSync(at('half.pub'), 'mine');
  const { exitCode, stderr } = await firmwright(['sign', '--make-key', at('half')]);
  expect(exitCode, stderr).toBe(2);
  expect(readFileSync(at('half.pub'), 'utf8')).toBe('mine');
  expect(existsSync(at('half.sec'))).toBe(false);
});
