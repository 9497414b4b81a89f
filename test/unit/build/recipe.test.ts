import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { imageRecipeJsonSchema, loadRecipe } from '../../../tools/build/index.js';
import { ProfileError } from '../../../tools/core/index.js';

const minimal = 'name: x\ndate: 1700000000\nrootfs: [root]\n';

function faultsOf(text: string): string[] {
  try {
    loadRecipe(text, '/r/image.yaml');
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    expect(error.code).toBe('FW_PROFILE_RECIPE');
    expect(error.exitCode).toBe(3);
    return error.diagnostics.map(({ line, column, message }) => `${line}:${column} ${message}`);
  }
  return [];
}

test('paths are relative to the folder of the recipe', () => {
  const recipe = loadRecipe(
    `${minimal}files: [overlay]\nkernel: ../k.bin\nboards: { a_b: { flash: { art: art.bin } } }\n`,
    '/r/image.yaml',
  );
  expect(recipe.rootfs).toEqual([{ kind: 'detect', path: '/r/root' }]);
  expect(recipe.files).toEqual(['/r/overlay']);
  expect(recipe.kernel).toBe('/k.bin');
  expect(recipe.boards['a_b']?.flash).toEqual({ art: '/r/art.bin' });
});

test('modes are octal text, devices are major:minor, xattr values text or hex', () => {
  const { attributes } = loadRecipe(
    `${minimal}table: [{ path: /dev/console, type: char, device: "5:1", mode: "0600", xattrs: { user.a: "0x00ff" } }]`,
    '/r/image.yaml',
  );
  expect(attributes).toEqual([
    {
      path: '/dev/console',
      type: 'char',
      rdev: { major: 5, minor: 1 },
      mode: 0o600,
      xattrs: { 'user.a': Uint8Array.of(0, 255) },
    },
  ]);
});

test('a date may be seconds, a day or a time with zone', () => {
  const dateOf = (date: string): number => loadRecipe(`name: x\ndate: ${date}\n`, 'image.yaml').date;
  expect(dateOf('1700000000')).toBe(1700000000);
  expect(dateOf('2026-01-01')).toBe(1767225600);
  expect(dateOf('2026-01-01T01:00:00+01:00')).toBe(1767225600);
});

test('a bare decimal mode is refused with the way to write it', () => {
  expect(faultsOf(`${minimal}table: [{ path: /a, mode: 0755 }]`).join('\n')).toContain('in quotes');
});

test('every fault of a recipe is told at once, with line and column', () => {
  const faults = faultsOf('name: x\ndate: soon\nrotfs: [root]\ntable:\n  - { path: etc, mode: "9" }\n');
  expect(faults.map((fault) => fault.split(' ')[0])).toEqual(['2:7', '3:1', '5:13', '5:24']);
});

test('a recipe that is no YAML is one diagnostic', () => {
  expect(faultsOf('name: [x\n').length).toBeGreaterThan(0);
});

test('the demo recipe is right', () => {
  const file = fileURLToPath(new URL('../../../images/demo/image.yaml', import.meta.url));
  expect(loadRecipe(readFileSync(file, 'utf8'), file).name).toBe('demo');
});

test('the JSON Schema for editors is up to date (npx tsx tools/dev/write-recipe-schema.ts)', () => {
  const schema = new URL('../../../images/schema.json', import.meta.url);
  expect(imageRecipeJsonSchema()).toEqual(JSON.parse(readFileSync(schema, 'utf8')));
  expect(imageRecipeJsonSchema()).toMatchObject({ type: 'object', required: ['name', 'date'] });
});

test('rules of the table that cannot be are told at their lines, all of them', () => {
  const rules = [
    '{ path: /dev/a, type: char }',
    '{ path: /b, type: symlink }',
    '{ path: /c, target: d }',
    '{ path: /d/../e, mode: "0600" }',
    '{ path: /f, capabilities: cap_nope+ep }',
    '{ path: /g, uid: 99999999999 }',
  ];
  const faults = faultsOf(`name: x\ndate: 0\ntable:\n${rules.map((rule) => `  - ${rule}\n`).join('')}`);
  expect(faults.map((fault) => fault.split(' ')[0])).toEqual(rules.map((_, i) => `${i + 4}:5`));
});

test('what is wrong is told as expected and found', () => {
  const text = 'name: x\nrootfs: [{ folder: a, attributes: dirty }, { archive: a, squashfs: b }, 5]\nfiles:\n';
  expect(faultsOf(text).map((fault) => fault.replace(/^\S+ /, ''))).toEqual([
    'date is missing: expected seconds since 1970, 2026-01-31 or 2026-01-31T12:00:00Z',
    'rootfs[0].attributes: expected clean or keep, found dirty',
    'unknown key squashfs in rootfs[1]',
    'rootfs[2]: expected text or keys with values, found 5',
    'files: expected a list, found nothing',
  ]);
});
