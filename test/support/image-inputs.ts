/** Small inputs for builds: a root folder, a recipe, and kernels that every kernel recipe takes as finished. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../tools/core/index.js';
import { buildUImage } from '../../tools/firmware/index.js';

/** Bytes that do not compress, the same for the same seed. */
export function noise(size: number, seed = 1): Uint8Array {
  const random = seededRandom(seed);
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0; i < words.length; i += 1) words[i] = random.next();
  return new Uint8Array(words.buffer, 0, size);
}

/** A finished kernel: a uImage around noise, `size` bytes with its header. */
export function uImageKernel(size: number): Uint8Array {
  return buildUImage(noise(size - 64, 7), {
    magic: 0x27051956,
    time: 1_700_000_000,
    load: 0x80002000,
    entry: 0x80002000,
    arch: 5,
    type: 2,
    compression: 3,
    name: 'test kernel',
  });
}

/** Files of an image: where they stand in a folder of the test. */
export interface ImageInputs {
  readonly recipe: string;
  readonly kernel: string;
  readonly root: string;
}

/** Writes a recipe, a kernel and a root folder; `payload` adds a file of that many incompressible bytes. */
export function writeImageInputs(
  folder: string,
  { payload = 0, kernelSize = 100_000 }: { readonly payload?: number; readonly kernelSize?: number } = {},
): ImageInputs {
  const root = join(folder, 'root');
  mkdirSync(join(root, 'etc/config'), { recursive: true });
  mkdirSync(join(root, 'sbin'), { recursive: true });
  writeFileSync(join(root, 'etc/config/system'), "config system\n\toption hostname 'test'\n");
  writeFileSync(join(root, 'sbin/init'), '#!/bin/sh\n', { mode: 0o755 });
  if (payload > 0) writeFileSync(join(root, 'payload'), noise(payload));
  const recipe = join(folder, 'image.yaml');
  writeFileSync(
    recipe,
    [
      'name: test',
      'version: { dist: Test, version: "1.0", revision: r1 }',
      'date: 1700000000',
      'rootfs: [root]',
      'table:',
      '  - { path: /dev, type: directory, mode: "0755" }',
      '  - { path: /dev/console, type: char, device: "5:1", mode: "0600" }',
      'kernel: kernel.bin',
      '',
    ].join('\n'),
  );
  const kernel = join(folder, 'kernel.bin');
  writeFileSync(kernel, uImageKernel(kernelSize));
  return { recipe, kernel, root };
}
