/** The dynamic section as binutils read it, what the real roots need, and what damaged files give. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fc, test as property } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { missingLibraries } from '../../../tools/diff/dangling.js';
import { readDynamicSection } from '../../../tools/diff/elf.js';
import { assembleRootTree, detectRootSource } from '../../../tools/rootfs/index.js';
import { bytesContent, walkTree } from '../../../tools/vfs/index.js';
import { fixture, fixturePath, requires, tool } from '../../support/requires.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();

/** What readelf says is needed, and in which folders it is looked for. */
function readelf(path: string): { needed: string[]; searchPath: string[] } {
  const text = execFileSync('readelf', ['-dW', path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const values = (kind: string): string[] =>
    [...text.matchAll(new RegExp(`\\(${kind}\\).*\\[(.*)\\]`, 'g'))].map((match) => match[1] ?? '');
  return {
    needed: values('NEEDED'),
    searchPath: [...values('RUNPATH'), ...values('RPATH')].flatMap((path) => path.split(':')),
  };
}

for (const [name, kind] of [
  ['rootfs-openwrt-15.05-ath25-mips-be.tar.xz', 'elf32-big-8'],
  ['rootfs-openwrt-19.07.7-rt305x-mips-le.tar.xz', 'elf32-little-8'],
] as const) {
  requires(fixture(name), tool('readelf'))(`${name}: every program needs what readelf says`, async () => {
    using tree = await assembleRootTree([detectRootSource(fixturePath(name))], {
      temporaryFolder: folder,
      sourceDateEpoch: 0,
    });
    let programs = 0;
    for (const { path, inode } of walkTree(tree.root)) {
      if (inode.type !== 'file') continue;
      const found = readDynamicSection(inode.content);
      if (!found) continue;
      const copy = join(folder, 'program');
      writeFileSync(copy, inode.content.read(0, inode.content.size));
      expect({ path, needed: found.needed, searchPath: found.searchPath }).toEqual({
        path,
        ...readelf(copy),
      });
      expect(found.kind).toBe(kind);
      programs += 1;
    }
    expect(programs).toBeGreaterThan(40);
    expect(missingLibraries(tree.root)).toEqual([]);
  });
}

requires(tool('readelf'))('a 64-bit program: this Node', () => {
  const found = readDynamicSection(bytesContent(readFileSync(process.execPath)));
  expect(found?.needed).toEqual(readelf(process.execPath).needed);
  expect(found?.needed).toContain('libc.so.6');
  expect(found?.interpreter).toMatch(/^\/lib.*ld-linux/);
});

test('what is no ELF file needs nothing', () => {
  for (const bytes of [
    new Uint8Array(),
    Buffer.from('#!/bin/sh\n'),
    Buffer.from('\x7fELF\x09\x09'.padEnd(64)),
  ])
    expect(readDynamicSection(bytesContent(bytes))).toBeUndefined();
});

/** The smallest program with a dynamic section, both byte orders: headers, one load segment, NEEDED libx.so. */
function smallProgram(little: boolean): Uint8Array {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  const word = (at: number, value: number): void => {
    view.setUint32(at, value, little);
  };
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, little ? 1 : 2, 1]);
  view.setUint16(18, 8, little);
  word(28, 52);
  view.setUint16(42, 32, little);
  view.setUint16(44, 2, little);
  for (const [i, [type, offset, address, size]] of [
    [1, 0, 0x400000, 256],
    [2, 128, 0x400080, 24],
  ].entries()) {
    word(52 + i * 32, type ?? 0);
    word(56 + i * 32, offset ?? 0);
    word(60 + i * 32, address ?? 0);
    word(68 + i * 32, size ?? 0);
  }
  for (const [i, value] of [1, 1, 5, 0x4000c0, 0, 0].entries()) word(128 + i * 4, value);
  bytes.set(Buffer.from('\0libx.so\0'), 0xc0);
  return bytes;
}

test('a program made by hand, of either byte order', () => {
  for (const little of [true, false]) {
    const found = readDynamicSection(bytesContent(smallProgram(little)));
    expect(found).toMatchObject({ needed: ['libx.so'], searchPath: [] });
  }
});

property.prop([
  fc.boolean(),
  fc.array(fc.tuple(fc.nat(255), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 }),
  fc.nat(256),
])('a damaged or cut program gives an answer, never an exception', (little, flips, length) => {
  const bytes = smallProgram(little);
  for (const [at, value] of flips) bytes[at] = value;
  const found = readDynamicSection(bytesContent(bytes.subarray(0, length)));
  expect(found === undefined || Array.isArray(found.needed)).toBe(true);
});
