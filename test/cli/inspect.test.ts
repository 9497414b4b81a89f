import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  inspectDocument,
  repackResultDocument,
  unpackResultDocument,
} from '../../tools/cli/documents/inspect.js';
import { firmwright, jsonOf } from '../support/cli.js';
import { fixture, fixturePath, requires } from '../support/requires.js';
import { uImageKernel } from '../support/image-inputs.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const image = join(folder, 'kernel.bin');
writeFileSync(image, uImageKernel(5064));

test('inspect prints a strip, a table and the checks', async () => {
  const { exitCode, stdout } = await firmwright(['inspect', image]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/one letter is 80 B: /);
  expect(stdout).toMatch(/0x0 +5 064 +uImage "test kernel" +header CRC ok, data CRC ok/);
  const { stdout: detailed } = await firmwright(['inspect', image, '--details']);
  expect(detailed).toContain('arch: mips');
});

test('inspect counts failed checks', async () => {
  const broken = Uint8Array.from(readFileSync(image));
  broken[100] = 0;
  writeFileSync(join(folder, 'broken.bin'), broken);
  const document = inspectDocument.parse(
    jsonOf(await firmwright(['inspect', join(folder, 'broken.bin'), '--json'])),
  );
  expect(document.failedChecks).toBe(1);
  const { stdout } = await firmwright(['inspect', join(folder, 'broken.bin')]);
  expect(stdout).toContain('data CRC WRONG');
});

test.each(['empty.bin', 'none.bin'])('a file that is %s is a usage error', async (name) => {
  writeFileSync(join(folder, 'empty.bin'), '');
  const { exitCode, stderr } = await firmwright(['inspect', join(folder, name)]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('FW_USAGE_FILE');
});

test('unpack and repack without edits give the same bytes; a full folder is refused', async () => {
  const parts = join(folder, 'parts');
  unpackResultDocument.parse(jsonOf(await firmwright(['unpack', image, '-C', parts, '--json'])));
  const again = join(folder, 'again.bin');
  const result = repackResultDocument.parse(
    jsonOf(await firmwright(['repack', parts, '-o', again, '--json'])),
  );
  expect(result.edited).toEqual([]);
  expect(readFileSync(again).equals(readFileSync(image))).toBe(true);
  expect((await firmwright(['unpack', image, '-C', parts])).exitCode).toBe(2);
  expect((await firmwright(['repack', folder, '-o', again])).exitCode).toBe(2);
});

test('a set is named by its folder; without folder or archive it is a usage error', async () => {
  const { exitCode, stderr } = await firmwright(['unpack', image]);
  expect([exitCode, stderr.includes('-C parts')]).toEqual([2, true]);
});

test('an edited piece that is too large is refused with the figures, and no image is left', async () => {
  const parts = join(folder, 'edited');
  await firmwright(['unpack', image, '-C', parts]);
  const piece = readdirSync(parts).find((name) => name.includes('unknown')) ?? '';
  writeFileSync(join(parts, piece), new Uint8Array(5001));
  const output = join(folder, 'large.bin');
  const { exitCode, stderr } = await firmwright(['repack', parts, '-o', output]);
  expect(exitCode).toBe(10);
  expect(stderr).toContain('5 001 of 5 000 bytes');
  expect(readdirSync(folder)).not.toContain('large.bin');
});

test('a description that names files elsewhere is refused', async () => {
  const parts = join(folder, 'hostile');
  await firmwright(['unpack', image, '-C', parts]);
  const description = join(parts, 'firmwright-unpack.json');
  const text = readFileSync(description, 'utf8').replace(/"file": "[^"]*"/, '"file": "../kernel.bin"');
  writeFileSync(description, text);
  const { exitCode, stderr } = await firmwright(['repack', parts, '-o', join(folder, 'hostile.bin')]);
  expect([exitCode, stderr.includes('plain file name')]).toEqual([2, true]);
});

requires(fixture('fw-uimage-a5v11-19.07.7-sysupgrade.bin'))(
  'unpack writes a tar of the root with all of its names',
  async () => {
    const parts = join(folder, 'a5v11');
    const result = unpackResultDocument.parse(
      jsonOf(
        await firmwright([
          'unpack',
          fixturePath('fw-uimage-a5v11-19.07.7-sysupgrade.bin'),
          '-C',
          parts,
          '--trees',
          'tar',
          '--json',
        ]),
      ),
    );
    expect(result.trees.map(({ kind, names, form }) => [kind, names, form])).toEqual([
      ['squashfs', 849, 'tar'],
    ]);
    expect(readdirSync(parts)).toContain(result.trees[0]?.file);
  },
);
