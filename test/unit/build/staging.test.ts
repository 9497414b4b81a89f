import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stagingName } from '../../../tools/build/staging-name.js';
import { Staging } from '../../../tools/build/staging.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();

test('nothing shows in the output folder before commit, everything after', async () => {
  const output = join(folder, 'a/b');
  const staging = await Staging.open(output);
  await staging.add('x.bin', Uint8Array.of(1));
  await staging.add('ath79/generic/y.bin', 'y');
  expect(readdirSync(output).every((name) => name.startsWith('.firmwright-'))).toBe(true);
  expect(await staging.commit()).toEqual([join(output, 'ath79/generic/y.bin'), join(output, 'x.bin')]);
  expect(readdirSync(output).sort()).toEqual(['ath79', 'x.bin']);
});

test('a discarded build takes its folders with it', async () => {
  const output = join(folder, 'c/d');
  const staging = await Staging.open(output);
  await staging.add('x.bin', 'x');
  await staging.discard();
  expect(existsSync(join(folder, 'c'))).toBe(false);
});

test('a discarded build leaves older artefacts alone', async () => {
  const output = join(folder, 'e');
  mkdirSync(output);
  writeFileSync(join(output, 'x.bin'), 'old');
  const staging = await Staging.open(output);
  await staging.add('x.bin', 'new');
  await staging.discard();
  expect(readdirSync(output)).toEqual(['x.bin']);
  expect(readFileSync(join(output, 'x.bin'), 'utf8')).toBe('old');
});

test('when one file cannot be moved, everything is as before', async () => {
  const output = join(folder, 'f');
  mkdirSync(join(output, 'z.bin/in-the-way'), { recursive: true });
  writeFileSync(join(output, 'a.bin'), 'old');
  // A file where the folder of another should go.
  writeFileSync(join(output, 'q'), 'a file');
  const staging = await Staging.open(output);
  await staging.add('a.bin', 'new');
  await staging.add('q/r.bin', 'new');
  await expect(staging.commit()).rejects.toThrow();
  await staging.discard();
  expect(readdirSync(output).sort()).toEqual(['a.bin', 'q', 'z.bin']);
  expect(readFileSync(join(output, 'a.bin'), 'utf8')).toBe('old');
});

test('a build takes away what one that was killed left, and nothing of others', async () => {
  const output = join(folder, 'killed');
  const { pid: dead } = spawnSync('true');
  const own = stagingName();
  const ofDead = own.replace(`.${process.pid}.`, `.${dead}.`);
  const inCommit = stagingName().replace(`.${process.pid}.`, `.${dead}.`);
  const elsewhere = `.firmwright-elsewhere.${dead}.x`;
  for (const name of [own, ofDead, inCommit, elsewhere]) mkdirSync(join(output, name, 'files'), { recursive: true });
  mkdirSync(join(output, inCommit, 'old'));
  const staging = await Staging.open(output);
  await staging.commit();
  expect(readdirSync(output).sort()).toEqual([own, inCommit, elsewhere].sort());
});
