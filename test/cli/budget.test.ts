/** What `budget` says of recipes and of images: document, text, Markdown, exit codes. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { budgetDocument, buildDocument } from '../../tools/cli/documents/budget.js';
import { firmwright, jsonOf } from '../support/cli.js';
import type { CliResult } from '../support/cli.js';
import { noise, writeImageInputs } from '../support/image-inputs.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const env = { XDG_CACHE_HOME: join(folder, 'cache'), TMPDIR: folder };
const board = ['-b', 'ubnt_unifi-ap'];
const small = writeImageInputs(join(folder, 'small'), { payload: 100_000 });
/** With this root and kernel the firmware of 7,488 KiB has too few erase blocks left for an overlay. */
const big = writeImageInputs(join(folder, 'big'), { payload: 7_150_000, kernelSize: 300_000 });

async function budget(subject: string, ...words: readonly string[]): Promise<CliResult> {
  return firmwright(['budget', subject, ...board, '--quiet', ...words], { env });
}

test('of a recipe: the document has partitions, overlay, limits and the costliest files; nothing is written', async () => {
  const before = readdirSync(join(folder, 'small'));
  const result = await budget(small.recipe, '--json', '--top', '2');
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  const [one] = budgetDocument.parse(jsonOf(result)).budgets;
  expect(one).toMatchObject({ board: 'ubnt_unifi-ap', fits: true, overBy: 0, eraseSize: 65536 });
  expect(one?.partitions.map(({ label }) => label)).toEqual(
    expect.arrayContaining(['u-boot', 'firmware', 'rootfs', 'rootfs_data']),
  );
  expect(one?.files).toHaveLength(2);
  expect(one?.files[0]?.path).toBe('/payload');
  expect(one?.overlay?.mountable).toBe(true);
  expect(readdirSync(join(folder, 'small'))).toEqual(before);
});

test('of the images that build makes: the same figures as of the recipe', async () => {
  const out = join(folder, 'out');
  const made = await firmwright(['build', small.recipe, ...board, '--out', out, '--quiet', '--json'], {
    env,
  });
  const [built] = buildDocument.parse(jsonOf(made)).boards;
  for (const type of ['flash', 'sysupgrade']) {
    const file = built?.files.find((one) => one.type === type)?.name ?? type;
    const result = await budget(join(out, file), '--json');
    expect(result.exitCode, result.stderr).toBe(0);
    const [one] = budgetDocument.parse(jsonOf(result)).budgets;
    expect(one?.fits).toBe(true);
    expect(one?.overlay).toEqual(built?.budget.overlay);
    expect(one?.files).toEqual(built?.budget.files);
  }
});

test('text and Markdown show the same partitions', async () => {
  const text = await budget(small.recipe);
  const markdown = await budget(small.recipe, '--format', 'markdown');
  for (const label of ['u-boot', 'firmware', 'rootfs_data', '/payload']) {
    expect(text.stdout).toContain(label);
    expect(markdown.stdout).toContain(label);
  }
  expect(markdown.stdout).toMatch(/^\|.*\|$/m);
  const json = await budget(small.recipe, '--format', 'json');
  expect(json.stdout).toBe((await budget(small.recipe, '--json')).stdout);
});

test('what does not fit is exit 10, with the figures on stdout and the reason on stderr', async () => {
  const result = await budget(big.recipe, '--json');
  expect(result.exitCode).toBe(10);
  const [one] = budgetDocument.parse(jsonOf(result)).budgets;
  expect(one?.fits).toBe(false);
  expect(result.stderr).toContain('[FW_BUDGET_OVER]');
  expect(result.stderr).toContain('ubnt_unifi-ap');
});

test('build refuses the same image and leaves no output folder', async () => {
  const out = join(folder, 'refused');
  const result = await firmwright(['build', big.recipe, ...board, '--out', out, '--quiet'], { env });
  expect(result.exitCode).toBe(10);
  expect(result.stderr).toContain('[FW_BUDGET_OVER]');
  expect(existsSync(out)).toBe(false);
});

test('several boards are counted in one run, and fail when one does not fit', async () => {
  const result = await budget(big.recipe, '-b', 'glinet_gl-mt300n-v2', '--json');
  expect(result.exitCode).toBe(10);
  const { budgets } = budgetDocument.parse(jsonOf(result));
  expect(budgets.map(({ board: id, fits }) => [id, fits])).toEqual([
    ['ubnt_unifi-ap', false],
    ['glinet_gl-mt300n-v2', true],
  ]);
});

test('packages, savings and a comparison, in every format', async () => {
  const out = join(folder, 'compared');
  const made = await firmwright(['build', small.recipe, ...board, '--out', out, '--quiet', '--json'], {
    env,
  });
  expect(made.exitCode, made.stderr).toBe(0);
  const against = ['--against', join(out, 'firmwright.json')];
  const other = writeImageInputs(join(folder, 'other'), { payload: 150_000 });
  const json = await budget(other.recipe, '--json', '--top', '0', ...against);
  const [one] = budgetDocument.parse(jsonOf(json)).budgets;
  const stored = one?.files.reduce((sum, file) => sum + file.stored, 0);
  expect(stored).toBe(one?.rootfs?.size);
  expect(one?.comparison?.size.change).toBeGreaterThan(49_000);
  expect(one?.comparison?.eraseBlocks.change).toBe(-1);
  const text = await budget(other.recipe, ...against);
  expect(text.stdout).toMatch(/squashfs \+\d+ bytes, overlay -1 erase blocks/);
  const html = await budget(other.recipe, '--format', 'html', ...against);
  expect(html.stdout).toMatch(/^<!doctype html>/);
  expect(html.stdout).toContain('Compared with firmwright.json');
});

test('--against takes documents and images, and says what else it was given', async () => {
  writeFileSync(join(folder, 'none.json'), '{"budgets": []}');
  const none = await budget(small.recipe, '--against', join(folder, 'none.json'));
  expect(none).toMatchObject({ exitCode: 2 });
  expect(none.stderr).toContain('holds no budget of board ubnt_unifi-ap');
  writeFileSync(join(folder, 'other.json'), '{"name": "x"}');
  expect((await budget(small.recipe, '--against', join(folder, 'other.json'))).stderr).toContain(
    '[FW_USAGE_FILE]',
  );
});

test('the budget of an image is that of the board its metadata names; without a name it is refused', async () => {
  const [sysupgrade = ''] = readdirSync(join(folder, 'out')).filter((name) =>
    name.endsWith('sysupgrade.bin'),
  );
  const { stdout } = await firmwright(['budget', join(folder, 'out', sysupgrade), '--json']);
  expect(stdout).toContain('"board": "ubnt_unifi-ap"');
  const other = await firmwright(['budget', join(folder, 'out', sysupgrade), '-b', 'glinet_gl-ar150']);
  expect(other.stderr).toMatch(
    /^warning: .*sysupgrade\.bin is for ubnt,unifi-ap, .*not for glinet_gl-ar150 \[other-board\]$/m,
  );
  writeFileSync(join(folder, 'nameless.bin'), noise(100_000));
  const { exitCode, stderr } = await firmwright(['budget', join(folder, 'nameless.bin')]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('[FW_USAGE_BOARD]');
});

test('one HTML report is of one board', async () => {
  const result = await budget(small.recipe, '-b', 'glinet_gl-mt300n-v2', '--format', 'html');
  expect(result).toMatchObject({ exitCode: 2 });
  expect(result.stderr).toContain('[FW_USAGE_ARGUMENT]');
});

test.each([
  ['an image that is not there', 2, (path: string): string => join(path, 'none.bin')],
  [
    'an image without a file system',
    10,
    (path: string): string => {
      writeFileSync(join(path, 'noise.bin'), noise(1_000_000));
      return join(path, 'noise.bin');
    },
  ],
])('%s is one error with exit code %i', async (_, exitCode, make) => {
  const result = await budget(make(folder));
  expect(result.exitCode, result.stderr + result.stdout).toBe(exitCode);
  expect(result.stderr).toMatch(/^error: .* \[FW_[A-Z_]+\]\n(hint: .*\n)?$/);
});

test('no temporary folder stays behind', async () => {
  await budget(small.recipe);
  await budget(big.recipe);
  expect(readdirSync(folder).filter((name) => name.startsWith('firmwright-budget'))).toEqual([]);
});

test('the text draws the chip: a box a partition, filled as far as it is used', async () => {
  const { stdout } = await budget(small.recipe);
  const [, names = '', fills = ''] = stdout.split('\n');
  const boxes = names.split('│').map((label) => label.trim());
  expect(boxes).toEqual([
    '',
    'u-boot',
    'u-boot-env',
    'kernel',
    'rootfs',
    'rootfs_data',
    'board_config',
    'cfg',
    'art',
    '',
  ]);
  expect(fills.length).toBe(names.length);
  expect(fills.split('│').map((fill) => fill.includes('█'))).toEqual(
    boxes.map((label) => label === 'kernel' || label === 'rootfs'),
  );
});
