import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { lzmaRawDecode } from '../../../tools/addon/index.js';
import { parseRecipe, readUImage, runRecipe } from '../../../tools/firmware/index.js';
import { buildSquashfs3, squashfs3Table } from '../../../tools/firmware/squashfs3.js';
import { requires, tool } from '../../support/requires.js';
import { kernelInput, stepContext } from './vectors.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();

const content = Uint8Array.from({ length: 200_001 }, (_, index) => (index * 7 + (index >> 8)) & 0xff);
const file = { folder: 'image', name: 'uImage', content };
const options = { dictSize: 2 ** 23, lc: 3, lp: 0, pb: 2 };

test('blocks are LZMA streams without header, each ended by a marker', () => {
  const image = buildSquashfs3(file, 1_700_000_000);
  const { inodeTable } = squashfs3Table.read(image);
  const length = new DataView(image.buffer, image.byteOffset).getUint16(inodeTable);
  expect(length & 0x8000).toBe(0);
  const inodeSize = 32 + 4 * 4 + 2 * 28;
  const inodes = lzmaRawDecode(
    image.subarray(inodeTable + 2, inodeTable + 2 + length),
    options,
    inodeSize,
    'allowed',
  ).data;
  const view = new DataView(inodes.buffer, inodes.byteOffset);
  const unpacked: Uint8Array[] = [];
  let at = squashfs3Table.size;
  for (let block = 0; block < 4; block += 1) {
    const size = view.getUint32(32 + 4 * block);
    const whole = Math.min(65_536, content.length - block * 65_536);
    unpacked.push(lzmaRawDecode(image.subarray(at, at + size), options, whole, 'allowed').data);
    at += size;
  }
  expect(at).toBe(inodeTable);
  expect(Buffer.concat(unpacked).equals(content)).toBe(true);
  expect(image.length % 4096).toBe(0);
});

requires(tool('unsquashfs'))('unsquashfs reads the same structure with zlib blocks', () => {
  for (const size of [0, 1, 65_536, 65_537, 200_001]) {
    const path = join(folder, `${size}`);
    writeFileSync(
      path,
      buildSquashfs3({ ...file, content: content.subarray(0, size) }, 1_700_000_000, (block) =>
        deflateSync(block),
      ),
    );
    const options = ['-d', `${path}.out`, path];
    execFileSync('unsquashfs', options, { stdio: 'pipe' });
    expect(readFileSync(join(`${path}.out`, 'image', 'uImage')).equals(content.subarray(0, size))).toBe(true);
  }
});

test('netgear-squashfs wraps it in a uImage of type filesystem with the magic of the board', () => {
  const { steps } = parseRecipe('netgear-squashfs');
  const magic = 0x33373031;
  const made = runRecipe(steps, stepContext({}, { headers: { uimage: { magic } } }), kernelInput);
  const { header, headerCrcOk, dataCrcOk } = readUImage(made, 0, magic);
  expect([header.type, header.compression, header.load, headerCrcOk, dataCrcOk]).toEqual([
    7,
    0,
    0xbf070000,
    true,
    true,
  ]);
  expect(header.name).toBe('MIPS OpenWrt Linux-6.12.1');
  expect(Buffer.from(made.subarray(64, 68)).toString()).toBe('sqsh');
  expect((header.size - 1024) % 4096).toBe(0);
});
