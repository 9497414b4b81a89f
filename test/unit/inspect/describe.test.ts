import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { appendMetadata, appendSignature, makeKeyPair, signMessage } from '../../../tools/firmware/index.js';
import { inspectFile } from '../../../tools/inspect/index.js';
import { describeUnknown } from '../../../tools/inspect/describe-unknown.js';
import { noise } from '../../support/image-inputs.js';
import { fixture, fixturePath, requires } from '../../support/requires.js';

test.each([
  ['text', Buffer.from('SupportList:\r\n{x}\n'), 'text "SupportList: {x}"'],
  [
    'text behind its length, zeros behind it',
    Buffer.from('\0\0\0\x09soft_ver:\0\0\0', 'latin1'),
    'text "soft_ver:"',
  ],
  ['noise', noise(5000, 9), 'unknown, dense as compressed or encrypted data'],
  ['too little to tell', noise(500, 9), 'unknown'],
  ['a pattern', new Uint8Array(5000).map((_, index) => index & 15), 'unknown'],
  ['text with binary behind it', Buffer.concat([Buffer.from('a text of words\0'), noise(300, 2)]), 'unknown'],
])('%s is called what it looks like', (_, bytes, expected) => {
  expect(describeUnknown(bytes)).toBe(expected);
});

test('metadata is named for its boards, a signature for its key', () => {
  const pair = makeKeyPair(new Uint8Array(32).fill(7), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 'test');
  const described = appendMetadata(noise(100), '{ "supported_devices":["acme,one","acme,two"] }\n');
  const signed = appendSignature(described, Buffer.from(signMessage(described, pair.secretKey)));
  const titles = (bytes: Uint8Array): string[] =>
    inspectFile(bytes)
      .parts.slice(1)
      .map(({ title }) => title);
  expect(titles(signed)).toEqual([
    'upgrade metadata for acme,one and 1 more',
    'image signature by key 0102030405060708',
  ]);
  expect(titles(appendMetadata(noise(100), 'no JSON'))).toEqual(['upgrade metadata']);
});

for (const [name, compressor] of [
  ['tiny-squashfs-zlib-be.sqfs3', 'zlib'],
  ['tiny-squashfs-lzma1-le.sqfs3', 'vendor LZMA without headers'],
  ['tiny-squashfs-lzma-be.sqfs2', 'vendor LZMA without headers'],
] as const)
  requires(fixture(name))(`${name} is packed with ${compressor}, as its first block tells`, () => {
    const [part] = inspectFile(new Uint8Array(readFileSync(fixturePath(name)))).parts;
    expect(part?.details).toMatchObject({ compressor, canUnpack: false });
  });
