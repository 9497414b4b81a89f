import { expect, test } from 'vitest';
import { finishKernel, listSteps, parseRecipe, runRecipe } from '../../../tools/firmware/index.js';
import { kernelInput, rootfsInput, stepContext, thrownBy, tinyInput } from './vectors.js';

const run = (recipe: string, file?: Uint8Array, board = {}): Uint8Array => {
  const { steps, faults } = parseRecipe(recipe);
  expect(faults).toEqual([]);
  return runRecipe(steps, stepContext({}, board), file);
};

test('parts are appended in the order of the recipe, padded between', () => {
  const image = run('append-kernel | pad-to 64k | append-rootfs');
  expect(image.length).toBe(0x10000 + rootfsInput.length);
  expect(Buffer.from(image.subarray(0, 6000)).equals(kernelInput)).toBe(true);
  expect(image.subarray(6000, 0x10000).every((byte) => byte === 0)).toBe(true);
  expect(Buffer.from(image.subarray(0x10000)).equals(rootfsInput)).toBe(true);
});

test.each([
  ['pad-to 64k', 0, 0],
  ['pad-to 64k', 1, 0x10000],
  ['pad-to 64k', 0x10000, 0x10000],
  ['pad-to 64k', 0x10001, 0x20000],
  ['pad-extra 1', 7, 8],
  ['pad-offset 64k 64', 0, 0x10000 - 64],
  ['pad-offset 64k 64', 0x10000 - 64, 0x10000 - 64],
  ['pad-offset 64k 64', 0x10000 - 63, 0x20000 - 64],
])('%s of %i bytes gives %i', (recipe, length, expected) => {
  expect(run(recipe, new Uint8Array(length)).length).toBe(expected);
});

test.each(['pad-to 8000000m', 'pad-extra 8000000m', 'pad-offset 8000000m 1'])('%s is refused', (recipe) => {
  expect(thrownBy(() => run(recipe, new Uint8Array(1)))).toMatchObject({
    code: 'FW_FIRMWARE_STEP_REFUSED',
    data: { expected: 2 ** 30 },
  });
});

test('pad-rootfs takes the block size of the profile, or every usual one', () => {
  expect(run('pad-rootfs', new Uint8Array(0x123456), { blockSize: 0x10000 }).length).toBe(0x130004);
  expect(run('pad-rootfs', new Uint8Array(0x123456)).length).toBe(0x140004);
  expect(run('pad-rootfs -x 64', new Uint8Array(0x123456), { blockSize: 0x10000 }).length).toBe(0x12ffc4);
});

test('check-size accepts the limit and refuses one byte more', () => {
  expect(run('check-size 64k', new Uint8Array(0x10000)).length).toBe(0x10000);
  expect(run('check-size', new Uint8Array(16), { imageSize: 16 }).length).toBe(16);
  expect(thrownBy(() => run('check-size 64k', new Uint8Array(0x10001)))).toMatchObject({
    code: 'FW_BUDGET_CHECK_SIZE',
    data: { overBy: 1 },
  });
});

test('every fault of a recipe is reported with its place', () => {
  const { steps, faults } = parseRecipe('append-kernal | pad-to | append-rootfs | pad-to seven |');
  expect(steps.map(({ name }) => name)).toEqual(['append-rootfs']);
  expect(faults.map(({ kind, offset }) => [kind, offset])).toEqual([
    ['unknown-step', 0],
    ['parameters', 16],
    ['parameters', 41],
    ['parameters', 55],
  ]);
  expect(faults[0]?.hint).toBe('did you mean append-kernel?');
  expect(faults[1]?.hint).toBe('usage: pad-to SIZE');
});

test('unexpected words, unknown options and missing values are faults', () => {
  for (const recipe of ['append-kernel now', 'pad-to 64k 4k', 'tplink-v1-image sideways', 'pad-rootfs -x'])
    expect(parseRecipe(recipe).faults, recipe).toHaveLength(1);
});

test('a step is plain data, so that a plan can be printed', () => {
  const { steps } = parseRecipe('tplink-v2-image -s -V "ver. 1.0"');
  expect(JSON.parse(JSON.stringify(steps))).toEqual([
    {
      name: 'tplink-v2-image',
      text: 'tplink-v2-image -s -V "ver. 1.0"',
      summary: 'appends a TP-Link v2 or v3 image of kernel and root file system, with end markers',
      given: { cut: true, version: 'ver. 1.0' },
    },
  ]);
});

test('a kernel enters its recipe behind the step whose output it already is', () => {
  const { steps } = parseRecipe('kernel-bin | append-dtb | uImage none');
  const once = finishKernel(steps, tinyInput, stepContext());
  expect(once.length).toBe(64 + 7);
  expect(finishKernel(steps, once, stepContext())).toBe(once);
});

test('steps are listed by name with usage and summary', () => {
  const steps = listSteps();
  expect(steps.map(({ name }) => name)).toEqual(steps.map(({ name }) => name).toSorted());
  for (const { name, usage, summary } of steps) {
    expect(usage.startsWith(name)).toBe(true);
    expect(summary.length).toBeGreaterThan(10);
  }
});
