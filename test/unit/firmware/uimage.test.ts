import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { crc32 } from '../../../tools/core/index.js';
import {
  buildUImage,
  finishKernel,
  parseRecipe,
  readUImage,
  runRecipe,
} from '../../../tools/firmware/index.js';
import { requires, tool } from '../../support/requires.js';
import { hex, stepContext, tinyInput } from './vectors.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();

const name = 'MIPS OpenWrt Linux-6.12.1';
const run = (recipe: string, file: Uint8Array): Uint8Array =>
  runRecipe(parseRecipe(recipe).steps, stepContext(), file);

test('uImage has the bytes of mkimage', () => {
  const image = run('uImage lzma', tinyInput);
  expect(hex(image.subarray(0, 32))).toBe('2705195631f5f2a36553f100000000078006000080060000312a6aa605050203');
  expect(Buffer.from(image.subarray(32, 64)).toString('latin1')).toBe(name.padEnd(32, '\0'));
  expect(Buffer.from(image.subarray(64)).equals(tinyInput)).toBe(true);
});

test('the fake header has no data and a right header checksum', () => {
  const header = run('append-uImage-fakehdr filesystem', new Uint8Array(0));
  expect(hex(header.subarray(0, 32))).toBe(
    '270519561c804dfa6553f1000000000000000000000000000000000005050700',
  );
  expect(readUImage(header).headerCrcOk).toBe(true);
});

test('a flipped bit is told from the checksum it breaks', () => {
  const image = run('uImage none', tinyInput);
  expect(readUImage(image)).toMatchObject({ headerCrcOk: true, dataCrcOk: true });
  const data = Uint8Array.from(image);
  data[66] = 0;
  expect(readUImage(data)).toMatchObject({ headerCrcOk: true, dataCrcOk: false });
  const header = Uint8Array.from(image);
  header[40] = 0x41;
  expect(readUImage(header)).toMatchObject({ headerCrcOk: false, dataCrcOk: true });
  expect(readUImage(image.subarray(0, 70)).dataCrcOk).toBe(false);
});

test('another magic and a cut header are refused by name', () => {
  const image = run('uImage none', tinyInput);
  expect(() => readUImage(image, 1)).toThrow(expect.objectContaining({ code: 'FW_FIRMWARE_MAGIC' }));
  expect(() => readUImage(image.subarray(0, 63))).toThrow(
    expect.objectContaining({ code: 'FW_FIRMWARE_TRUNCATED' }),
  );
});

test('a name longer than its field is refused', () => {
  const options = { time: 0, load: 0, entry: 0, arch: 5, type: 2, compression: 0 };
  expect(() => buildUImage(tinyInput, { ...options, name: 'x'.repeat(33) })).toThrow(
    expect.objectContaining({ code: 'FW_FIRMWARE_FIELD' }),
  );
});

test('a longer header has a checksum over all of it, and is recognised', () => {
  const padded = run('uImage lzma | uimage-padhdr', tinyInput);
  expect(padded.length).toBe(64 + 32 + 7);
  const header = Buffer.from(padded.subarray(0, 96));
  const crc = header.readUInt32BE(4);
  header.writeUInt32BE(0, 4);
  expect(crc32(header)).toBe(crc);
  const { steps } = parseRecipe('lzma | uImage lzma | uimage-padhdr');
  expect(finishKernel(steps, padded, stepContext())).toBe(padded);
  expect(finishKernel(steps, run('uImage lzma', tinyInput), stepContext())).toEqual(padded);
});

requires(tool('mkimage'))('mkimage writes the same uImage of several parts', () => {
  const file = (part: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, part), bytes);
    return join(folder, part);
  };
  const parts = [file('kernel', tinyInput), file('empty', new Uint8Array(32)), file('tree', tinyInput)];
  const theirs = join(folder, 'theirs');
  execFileSync(
    'mkimage',
    ['-A', 'mips', '-O', 'linux', '-T', 'multi', '-C', 'gzip', '-a', '0x80060000', '-e', '0x80060000'].concat(
      ['-n', name, '-d', parts.join(':'), theirs],
    ),
    { env: { ...process.env, SOURCE_DATE_EPOCH: '1700000000' } },
  );
  const { steps } = parseRecipe('multiImage gzip empty device-tree');
  const ours = runRecipe(steps, stepContext({ deviceTree: tinyInput }), tinyInput);
  expect(hex(ours)).toBe(hex(readFileSync(theirs)));
});

requires(tool('mkimage'), tool('dumpimage'))('mkimage writes the same bytes, dumpimage reads ours', () => {
  const input = join(folder, 'kernel');
  writeFileSync(input, tinyInput);
  const arguments_ = ['-A', 'mips', '-O', 'linux', '-T', 'kernel', '-C', 'lzma', '-a', '0x80060000'];
  execFileSync(
    'mkimage',
    [...arguments_, '-e', '0x80060000', '-n', name, '-d', input, join(folder, 'theirs')],
    {
      env: { ...process.env, SOURCE_DATE_EPOCH: '1700000000' },
    },
  );
  const ours = run('uImage lzma', tinyInput);
  expect(readFileSync(join(folder, 'theirs')).equals(ours)).toBe(true);
  writeFileSync(join(folder, 'ours'), ours);
  const listing = execFileSync('dumpimage', ['-l', join(folder, 'ours')], { encoding: 'utf8' });
  expect(listing).toContain(name);
  expect(listing).toContain('lzma compressed');
});
