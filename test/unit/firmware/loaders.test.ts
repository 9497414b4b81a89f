import { expect, test } from 'vitest';
import { checkBoardProfile, stepBoard } from '../../../tools/boards/index.js';
import { loadBoard } from '../../../tools/cli/board-profiles.js';
import {
  finishKernel,
  kernelOfImage,
  parseRecipe,
  runRecipe,
  stepsWithFiles,
} from '../../../tools/firmware/index.js';
import { noise } from '../../support/image-inputs.js';
import { squashfsSuperBlock } from '../../support/squashfs-super-block.js';
import { kernelInput, stepContext, thrownBy } from './vectors.js';

const steps = (recipe: string) => parseRecipe(recipe).steps;
const loader = Uint8Array.from({ length: 33 }, (_, index) => index + 1);

test.each([
  ['loader-kernel', 33],
  ['spi-loader-okli', 33],
  ['loader-okli name 64k', 0x10000],
])('%s puts the loader in front, the kernel at %i', (recipe, at) => {
  const [step = ''] = recipe.split(' ');
  const made = runRecipe(steps(recipe), stepContext({ stepFiles: new Map([[step, loader]]) }), kernelInput);
  expect(Buffer.from(made.subarray(0, 33)).equals(loader)).toBe(true);
  expect(made.subarray(33, at).every((byte) => byte === 0)).toBe(true);
  expect(Buffer.from(made.subarray(at)).equals(kernelInput)).toBe(true);
});

test.each([
  ['big', '00001770'],
  ['little', '70170000'],
] as const)(
  'relocate-kernel writes the size of the kernel %s-endian behind a stub of whole 32 bytes',
  (endianness, size) => {
    const stepFiles = new Map([['relocate-kernel', loader]]);
    const made = runRecipe(steps('relocate-kernel'), stepContext({ stepFiles }, { endianness }), kernelInput);
    expect(Buffer.from(made.subarray(64, 68)).toString('hex')).toBe(size);
    expect(made.length).toBe(68 + kernelInput.length);
  },
);

test('a step without its file says what the file is and how to give it, and that a finished kernel does', () => {
  const context = stepContext({}, { loaders: { 'loader-kernel': 'the small loader' } });
  expect(thrownBy(() => runRecipe(steps('loader-kernel'), context, kernelInput))).toMatchObject({
    code: 'FW_PROFILE_STEP_FILE',
    exitCode: 3,
    message: 'step loader-kernel of acme_board-1 needs a file: the small loader',
    hint: expect.stringMatching(/--loader loader-kernel=FILE, or give --kernel a finished kernel/) as string,
  });
});

test('steps that take a file are told, each once', () => {
  expect(stepsWithFiles(steps('kernel-bin | lzma | loader-kernel | relocate-kernel | lzma -a0'))).toEqual([
    'loader-kernel',
    'relocate-kernel',
  ]);
});

test('lint wants a word on each file, and no word on steps that take none', () => {
  const text = (loaders: string): string => `id: a_b
name: A
target: t/g
arch: mips
endianness: big
supported_devices: []
flash: { kind: nor, size: 1 MiB, erase_size: 64 KiB }
partitions: [{ label: firmware, offset: 0, size: 1 MiB, parser: x }]
split: { mode: nested, parser: uimage }
kernel: kernel-bin | loader-kernel
loaders: ${loaders}
artefacts: { a: append-kernel }
`;
  const codes = (loaders: string): string[] =>
    checkBoardProfile(text(loaders), 'x.yaml').diagnostics.map(({ code }) => code);
  expect(codes('{ loader-kernel: it }')).toEqual([]);
  expect(codes('{}')).toEqual(['FW_PROFILE_LOADER']);
  expect(codes('{ loader-kernel: it, append-uboot: other }')).toEqual(['FW_PROFILE_STEP']);
});

const squashfs = (size: number): Uint8Array => {
  const bytes = new Uint8Array(size);
  bytes.set(squashfsSuperBlock(size));
  return bytes;
};

test.each([
  'ubnt_unifi-ap',
  'tplink_archer-c7-v2',
  'tplink_archer-c20-v1',
  'tplink_archer-c7-v5',
  'glinet_gl-b1300',
  'luxul_xap-1610-v1',
  'enterasys_ws-ap3710i',
])('the kernel of an image of %s is the one that was put in', (id) => {
  const profile = loadBoard(id);
  const context = stepContext({}, stepBoard(profile));
  const kernel = finishKernel(profile.kernelRecipe, kernelInput, context);
  const image = runRecipe(profile.firmwareRecipe, { ...context, kernel, rootfs: squashfs(200_000) });
  const found = kernelOfImage(image, profile);
  expect(found && Buffer.from(found).equals(kernel)).toBe(true);
});

test('the kernel of a Seama image ends where its LZMA stream does', () => {
  const profile = loadBoard('dlink_dir-859-a1');
  const stepFiles = new Map([['relocate-kernel', loader]]);
  const context = stepContext({ stepFiles }, stepBoard(profile));
  const kernel = finishKernel(profile.kernelRecipe, noise(600_000), context);
  const image = runRecipe(profile.firmwareRecipe, { ...context, kernel, rootfs: squashfs(200_000) });
  const found = kernelOfImage(image, profile);
  expect(found && Buffer.from(found).equals(kernel)).toBe(true);
});

test('a kernel alone, and bytes of no image, are no image', () => {
  const profile = loadBoard('ubnt_unifi-ap');
  const kernel = finishKernel(profile.kernelRecipe, kernelInput, stepContext({}, stepBoard(profile)));
  expect(kernelOfImage(kernel, profile)).toBeUndefined();
  expect(kernelOfImage(new Uint8Array(0x50000), profile)).toBeUndefined();
  expect(kernelOfImage(new Uint8Array(0), profile)).toBeUndefined();
});
