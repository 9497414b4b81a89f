import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  boardDocument,
  boardLintDocument,
  boardListDocument,
  stepListDocument,
} from '../../tools/cli/documents/boards.js';
import { profilePath } from '../../tools/cli/board-profiles.js';
import { firmwright, jsonOf } from '../support/cli.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();

test('boards lists every profile, as a table and as JSON', async () => {
  const document = boardListDocument.parse(jsonOf(await firmwright(['boards', '--json'])));
  expect(document.boards.map((board) => board.id)).toContain('ubnt_unifi-ap');
  const { stdout } = await firmwright(['boards']);
  expect(stdout.split('\n')).toHaveLength(document.boards.length + 2);
});

test.each([
  [['netgear'], ['netgear_r6220', 'netgear_wndr3400-v1', 'netgear_wndr3800', 'netgear_wndr4300']],
  [['netgear', '--flash', 'nor', '--endian', 'big'], ['netgear_wndr3800']],
  [['--target', 'bcm53xx'], ['luxul_xap-1610-v1']],
  [['--target', 'ath79/tiny', '--flash', '4m'], ['tplink_tl-wr841-v11']],
  [
    ['--flash', '..4 MiB'],
    ['tplink_tl-wr841-v11', 'ubnt_nanostation-2'],
  ],
  [['--flash', '32m..', '--flash', 'nor', '--endian', 'big'], ['enterasys_ws-ap3710i']],
  [['--target', 'ath'], []],
])('boards list %j lists the boards that all filters hold for', async (words, ids) => {
  const document = boardListDocument.parse(jsonOf(await firmwright(['boards', 'list', ...words, '--json'])));
  expect(document.boards.map(({ id }) => id)).toEqual(ids);
});

test('an empty list says what there is; a flash that is no size is a usage error', async () => {
  const { exitCode, stderr } = await firmwright(['boards', 'list', '--flash', '3m']);
  expect(exitCode).toBe(0);
  expect(stderr).toContain('flash: 4 MiB, 8 MiB, 16 MiB, 32 MiB');
  expect((await firmwright(['boards', 'list', '--flash', 'large'])).exitCode).toBe(2);
});

test('boards show prints partitions at their offsets', async () => {
  const document = boardDocument.parse(
    jsonOf(await firmwright(['boards', 'show', 'ubnt_unifi-ap', '--json'])),
  );
  expect(document.partitions.find((partition) => partition.label === 'firmware')).toMatchObject({
    offset: 0x50000,
    size: 0x750000,
  });
  const { stdout } = await firmwright(['boards', 'show', 'ubnt_unifi-ap']);
  expect(stdout).toMatch(/firmware +0x50000 +7 667 712 +writable/);
});

test('an unknown board is a usage error that names near ones', async () => {
  const { exitCode, stderr } = await firmwright(['boards', 'show', 'ubnt_unifi']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('FW_USAGE_BOARD');
  expect(stderr).toContain('ubnt_unifi-ap');
});

test('boards lint passes the profiles that Firmwright brings', async () => {
  const document = boardLintDocument.parse(jsonOf(await firmwright(['boards', 'lint', '--json'])));
  expect(document.files).toBeGreaterThanOrEqual(6);
  expect(document.errors).toBe(0);
});

test('boards lint lists every fault of a file with line and column, and exits 3', async () => {
  const file = join(folder, 'bad.yaml');
  const text = readFileSync(profilePath('ubnt_unifi-ap'), 'utf8');
  writeFileSync(
    file,
    text.replace('pad-rootfs', 'pad-rootsf').replace('endianness: big', 'endianness: middle'),
  );
  const { exitCode, stdout } = await firmwright(['boards', 'lint', file]);
  expect(exitCode).toBe(3);
  expect(stdout).toMatch(/bad\.yaml:\d+:\d+: error: /);
});

test('a profile file that is not there is a usage error', async () => {
  const { exitCode, stderr } = await firmwright(['boards', 'lint', join(folder, 'none.yaml')]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('FW_USAGE_FILE');
});

test('boards steps lists what a recipe may use, all or those that words find', async () => {
  const all = stepListDocument.parse(jsonOf(await firmwright(['boards', 'steps', '--json']))).steps;
  expect(all.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['append-kernel', 'pad-rootfs', 'uImage']),
  );
  const { stdout } = await firmwright(['boards', 'steps', 'end', 'marker']);
  expect(stdout).toContain('pad-rootfs [-x OFFSET]');
  expect(stdout).not.toContain('append-kernel');
});

test('the profile that board-profiles/README.md begins with is right', async () => {
  const guide = readFileSync(new URL('../../board-profiles/README.md', import.meta.url), 'utf8');
  const [, profile = ''] = /```yaml\n(.*?)```/s.exec(guide) ?? [];
  const file = join(folder, 'acme_ap1.yaml');
  writeFileSync(file, profile);
  const { exitCode, stdout } = await firmwright(['boards', 'lint', file]);
  expect(stdout).toBe('1 profile, 0 errors, 0 warnings\n');
  expect(exitCode).toBe(0);
});
