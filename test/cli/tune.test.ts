/** `tune`: the document, the pick within what the board can read, text, cancellation. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { readMemory, tuneCandidates } from '../../tools/budget/index.js';
import { tuneDocument } from '../../tools/cli/documents/tune.js';
import { firmwright, jsonOf } from '../support/cli.js';
import { profileOf, routerTree, sysupgradeImage } from '../support/router-image.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const image = join(folder, 'sysupgrade.bin');
const words = ['tune', image, '-b', 'ubnt_unifi-ap', '--quiet'];

beforeAll(async () => {
  const text = Array.from({ length: 4000 }, (_, i) => `option name_${i % 97} 'value ${i % 13}'`).join('\n');
  const tree = routerTree({ '/etc/config/large': text, '/etc/config/larger': text.toUpperCase() });
  writeFileSync(image, await sysupgradeImage(profileOf('ubnt_unifi-ap'), tree));
});

test('every candidate is measured, and the pick is the smallest that the board can read', async () => {
  const result = await firmwright([...words, '--json', '--smallest']);
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  const [one] = tuneDocument.parse(jsonOf(result)).boards;
  const ids = one?.results.map(({ id }) => id) ?? [];
  expect(ids).toEqual(
    expect.arrayContaining([
      'as the profile says',
      'path order',
      'blocks of 64 KiB',
      'gzip',
      'more effort',
      'most effort',
    ]),
  );
  expect(new Set(ids).size).toBe(ids.length);
  const allowed = one?.results.filter(({ excluded }) => excluded === undefined) ?? [];
  const picked = allowed.find(({ id }) => id === one?.picked);
  expect(picked?.size).toBe(Math.min(...allowed.map(({ size }) => size)));
  expect(one?.savedBytes).toBe((one?.results[0]?.size ?? 0) - (picked?.size ?? 0));
  expect(allowed.every(({ parameters }) => parameters.compressor.kind === 'xz')).toBe(true);
});

test('text names the pick, the reasons and the lines for the profile', async () => {
  const result = await firmwright(words);
  expect(result.stdout).toMatch(/\(picked\)/);
  expect(result.stdout).toMatch(/^- .*erase block/m);
  expect(result.stdout).toContain('a read takes');
});

test('only filters of the kernel, and no block that takes more memory than the board allows', () => {
  for (const [id, filters] of [
    ['ubnt_unifi-ap', []],
    ['avm_fritzbox-4040', ['arm']],
  ] as const) {
    const profile = profileOf(id);
    const candidates = tuneCandidates(profile, true).filter(({ excluded }) => excluded === undefined);
    for (const { parameters } of candidates) {
      expect(readMemory(parameters)).toBeLessThanOrEqual(profile.squashfs.readMemory ?? 0);
      const { compressor } = parameters;
      const used = compressor.kind === 'xz' ? (compressor.branchFilters ?? []) : [];
      expect(filters).toEqual(expect.arrayContaining([...used]));
    }
  }
  const small = { ...profileOf('ubnt_unifi-ap') };
  const tight = { ...small, squashfs: { ...small.squashfs, readMemory: 1024 * 1024 } };
  const refused = tuneCandidates(tight, false).filter(({ excluded }) => excluded?.includes('memory'));
  expect(refused.map(({ id }) => id)).toContain('blocks of 1024 KiB');
});

test('a cancelled run prints no result', async () => {
  const cancel = new AbortController();
  setTimeout(() => cancel.abort(), 300);
  const result = await firmwright(words, { signal: cancel.signal });
  expect(result.exitCode).not.toBe(0);
  expect(result.stdout).toBe('');
});

test('an image without a squashfs is one error', async () => {
  const noise = join(folder, 'noise.bin');
  writeFileSync(noise, Buffer.alloc(70_000, 7));
  const result = await firmwright(['tune', noise, '-b', 'ubnt_unifi-ap']);
  expect(result).toMatchObject({ exitCode: 2, stdout: '' });
});
