import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
// The mount is served by this process, so nothing here may wait for it in a synchronous call.
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { doctorDocument } from '../../tools/cli/documents/doctor.js';
import { splitLayerList } from '../../tools/union/index.js';
import { firmwright, jsonOf } from '../support/cli.js';
import type { CliResult } from '../support/cli.js';
import { fuseNeeds } from '../support/fuse-mount.js';
import { requires } from '../support/requires.js';

let folder = '';
const at = (...parts: string[]): string => join(folder, ...parts);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'firmwright-mount-'));
  for (const name of ['lower', 'upper', 'work', 'mnt', 'lower/dir']) mkdirSync(at(name));
  writeFileSync(at('lower/file'), 'lower');
  writeFileSync(at('lower/dir/inner'), 'inner');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Mounts, does something there, unmounts. */
async function whileMounted(args: readonly string[], work: () => Promise<void>): Promise<CliResult> {
  const end = new AbortController();
  const result = firmwright(['mount', '--foreground', ...args, at('mnt')], { signal: end.signal });
  let early: CliResult | undefined;
  void result.then((value) => {
    early = value;
  });
  while (!early && !(await readFile('/proc/mounts', 'utf8')).includes(` ${at('mnt')} fuse.firmwright`)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  try {
    if (!early) await work();
  } finally {
    end.abort();
  }
  return result;
}

requires(...fuseNeeds)(
  'a union of folders takes changes in its upper and leaves the lower alone',
  async () => {
    const layers = ['--lower', at('lower'), '--upper', at('upper'), '--work', at('work')];
    const { exitCode, stderr } = await whileMounted(layers, async () => {
      expect(await readFile(at('mnt/file'), 'utf8')).toBe('lower');
      await writeFile(at('mnt/file'), 'changed');
      await rename(at('mnt/dir'), at('mnt/moved'));
      expect(await readFile(at('mnt/moved/inner'), 'utf8')).toBe('inner');
      expect((await readdir(at('mnt'))).sort()).toEqual(['file', 'moved']);
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(await readFile(at('upper/file'), 'utf8')).toBe('changed');
    expect(await readFile(at('lower/file'), 'utf8')).toBe('lower');
    expect((await stat(at('upper/dir'))).isCharacterDevice()).toBe(true);
  },
);

requires(...fuseNeeds)(
  'the table of mounts shows the layers of a union from the top, as -o takes them (union 9)',
  async () => {
    mkdirSync(at('a:b,c'));
    const layers = [
      '--lower',
      at('a\\:b,c'),
      '--lower',
      at('lower'),
      '--upper',
      at('upper'),
      '--work',
      at('work'),
    ];
    await whileMounted(layers, async () => {
      const table = await readFile('/proc/self/mountinfo', 'utf8');
      const [line = ''] = table.split('\n').filter((text) => text.includes(` ${at('mnt')} `));
      const source = (/ - \S+ (\S+) /.exec(line)?.[1] ?? '').replace(/\\134/g, '\\');
      expect(source).toBe([at('upper'), at('a\\:b\\,c'), at('lower')].join(':'));
      expect(splitLayerList(source)).toEqual([at('upper'), at('a:b,c'), at('lower')]);
    });
  },
);

requires(...fuseNeeds)('a union without an upper is read-only', async () => {
  await whileMounted(['--lower', at('lower')], async () => {
    await expect(rm(at('mnt/file'))).rejects.toThrow('EROFS');
    expect(await readFile(at('mnt/dir/inner'), 'utf8')).toBe('inner');
  });
});

test('doctor says what mounts need, and how to get what is missing', async () => {
  const { checks } = doctorDocument.parse(jsonOf(await firmwright(['doctor', '--json'])));
  const subjects = ['addon part fuse', '/dev/fuse', 'fusermount3', 'helper of mount(8)'];
  const found = checks.filter(({ subject }) => subjects.includes(subject));
  expect(found.map(({ subject }) => subject)).toEqual(subjects);
  for (const { state, install } of found) expect(install === undefined).toBe(state === 'good');
});

test.each([
  ['an unknown word', 'sideways'],
  ['a value outside its set', 'redirect_dir=maybe'],
  ['a mode that is not octal', 'ufile=999'],
])('%s behind -o is refused', async (_, word) => {
  const { exitCode, stderr } = await firmwright([
    'mount',
    '-f',
    '-o',
    word,
    '--lower',
    at('lower'),
    at('mnt'),
  ]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('FW_USAGE_MOUNT');
});

test.each([
  ['layer', '--lower', 'FW_USAGE_FILE'],
  ['image', '--foreground', 'FW_USAGE_BOARD'],
])('a file of unknown kind as %s is a usage error', async (_, option, code) => {
  const { exitCode, stderr } = await firmwright(['mount', '-f', option, at('lower/file'), at('mnt')]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(code);
});
