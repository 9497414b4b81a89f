import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { signDocument } from '../../tools/cli/documents/sign.js';
import { appendMetadata, readChunks } from '../../tools/firmware/index.js';
import { firmwright, jsonOf } from '../support/cli.js';
import { noise, writeImageInputs } from '../support/image-inputs.js';
import { requires, tool } from '../support/requires.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const file = (name: string): string => join(folder, name);
const image = file('image.bin');
writeFileSync(image, appendMetadata(noise(5000), '{ "metadata_version": "1.1" }\n'));
beforeAll(async () => {
  for (const name of ['build', 'other']) await firmwright(['sign', '--make-key', file(name)]);
});

async function verify(path: string, key: string): Promise<unknown> {
  const result = await firmwright(['sign', path, '--verify', file(key), '--json']);
  return [result.exitCode, signDocument.parse(jsonOf(result)).outcome];
}

test('an image is signed behind its metadata, and verified by its key alone', async () => {
  const signed = file('signed.bin');
  expect((await firmwright(['sign', image, '--key', file('build.sec'), '-o', signed])).exitCode).toBe(0);
  const bytes = readFileSync(signed);
  expect(readChunks(bytes).map(({ type }) => type)).toEqual(['signature', 'metadata']);
  expect(bytes.subarray(0, readFileSync(image).length).equals(readFileSync(image))).toBe(true);
  expect(await verify(signed, 'build.pub')).toEqual([0, 'valid']);
  expect(await verify(signed, 'other.pub')).toEqual([11, 'other-key']);
});

test('a second signature replaces the first', async () => {
  const twice = file('twice.bin');
  await firmwright(['sign', image, '--key', file('other.sec'), '-o', twice]);
  await firmwright(['sign', twice, '--key', file('build.sec')]);
  expect(readChunks(readFileSync(twice))).toHaveLength(2);
  expect(await verify(twice, 'build.pub')).toEqual([0, 'valid']);
});

test('an image without signature, a missing key and a key that is none are refused by name', async () => {
  const codes = async (...words: string[]): Promise<string | undefined> =>
    /\[(FW_\w+)\]/.exec((await firmwright(['sign', ...words])).stderr)?.[1];
  expect(await codes(image, '--verify', file('build.pub'))).toBe('FW_FIRMWARE_UNSIGNED');
  expect(await codes(image, '--key', file('none.sec'))).toBe('FW_USAGE_FILE');
  expect(await codes(image, '--key', file('build.pub'))).toBe('FW_FIRMWARE_SIGNATURE');
  expect(await codes(image)).toBe('FW_USAGE_ARGUMENT');
});

test('a key pair is never overwritten, and its secret is for its owner only', async () => {
  const before = readFileSync(file('build.sec'), 'utf8');
  expect((await firmwright(['sign', '--make-key', file('build')])).exitCode).toBe(2);
  expect(readFileSync(file('build.sec'), 'utf8')).toBe(before);
  expect(statSync(file('build.sec')).mode & 0o777).toBe(0o600);
});

test('build signs every image with metadata when a key is given', async () => {
  const inputs = writeImageInputs(file('inputs'), { payload: 20_000 });
  const out = file('out');
  const { exitCode } = await firmwright([
    ...[
      'build',
      inputs.recipe,
      '-b',
      'ubnt_unifi-ap',
      '-o',
      out,
      '--sign-key',
      file('build.sec'),
      '--no-cache',
      '-q',
    ],
  ]);
  expect(exitCode).toBe(0);
  const [name = ''] = execFileSync('find', [out, '-name', '*sysupgrade.bin'], { encoding: 'utf8' }).split(
    '\n',
  );
  expect(await verify(name, 'build.pub')).toEqual([0, 'valid']);
});

requires(tool('signify-openbsd'))(
  'signify verifies the signature of an image with our public key',
  async () => {
    const signed = file('for-signify.bin');
    await firmwright(['sign', image, '--key', file('build.sec'), '-o', signed]);
    const [signature] = readChunks(readFileSync(signed));
    writeFileSync(file('sig'), signature?.payload ?? '');
    execFileSync('signify-openbsd', ['-V', '-p', file('build.pub'), '-m', image, '-x', file('sig')], {
      stdio: 'pipe',
    });
    execFileSync('signify-openbsd', ['-G', '-n', '-p', file('theirs.pub'), '-s', file('theirs.sec')], {
      stdio: 'pipe',
    });
    await firmwright(['sign', signed, '--key', file('theirs.sec')]);
    expect(await verify(signed, 'theirs.pub')).toEqual([0, 'valid']);
  },
);
