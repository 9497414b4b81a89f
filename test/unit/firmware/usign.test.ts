import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeKeyPair, signMessage, verifyMessage } from '../../../tools/firmware/usign.js';
import { fixture, fixturePath, requires, tool } from '../../support/requires.js';
import { thrownBy } from './vectors.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();

const message = Buffer.from('the image and its metadata');
const pair = makeKeyPair(new Uint8Array(32).fill(7), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 'test');
const other = makeKeyPair(new Uint8Array(32).fill(8), Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1), 'other');

test('a signature is valid for its message and key, and for no other', () => {
  const signature = signMessage(message, pair.secretKey);
  expect(verifyMessage(message, signature, pair.publicKey)).toEqual({
    fingerprint: '0102030405060708',
    outcome: 'valid',
  });
  expect(verifyMessage(Buffer.from('another'), signature, pair.publicKey).outcome).toBe('invalid');
  expect(verifyMessage(message, signature, other.publicKey).outcome).toBe('other-key');
});

test('damaged and protected keys are refused by name', () => {
  const [comment = '', body = ''] = pair.secretKey.split('\n');
  const bytes = Buffer.from(body, 'base64');
  const altered = (at: number): string => {
    const copy = Buffer.from(bytes);
    copy[at] = 1;
    return `${comment}\n${copy.toString('base64')}\n`;
  };
  for (const file of ['', 'nonsense\nAAAA\n', pair.publicKey, altered(7), altered(50)])
    expect(thrownBy(() => signMessage(message, file))).toMatchObject({ code: 'FW_FIRMWARE_SIGNATURE' });
});

requires(tool('signify-openbsd'))('signify accepts our signatures and we accept theirs', () => {
  const file = (name: string): string => join(folder, name);
  writeFileSync(file('message'), message);
  writeFileSync(file('ours.pub'), pair.publicKey);
  writeFileSync(file('ours.sec'), pair.secretKey);
  writeFileSync(file('ours.sig'), signMessage(message, pair.secretKey));
  const verify = ['-V', '-p', file('ours.pub'), '-m', file('message')];
  execFileSync('signify-openbsd', [...verify, '-x', file('ours.sig')]);
  execFileSync('signify-openbsd', [
    '-S',
    '-s',
    file('ours.sec'),
    '-m',
    file('message'),
    '-x',
    file('by-signify.sig'),
  ]);
  const ours = readFileSync(file('ours.sig'), 'utf8').split('\n')[1];
  expect(readFileSync(file('by-signify.sig'), 'utf8').split('\n')[1]).toBe(ours);
  execFileSync('signify-openbsd', ['-G', '-n', '-p', file('key.pub'), '-s', file('key.sec')]);
  const key = {
    secret: readFileSync(file('key.sec'), 'utf8'),
    public: readFileSync(file('key.pub'), 'utf8'),
  };
  expect(verifyMessage(message, signMessage(message, key.secret), key.public).outcome).toBe('valid');
});

requires(fixture('ipk-ath25-base/Packages.sig'))('a published signature file reads', () => {
  const signature = readFileSync(fixturePath('ipk-ath25-base/Packages.sig'), 'utf8');
  expect(verifyMessage(message, signature, pair.publicKey).outcome).toBe('other-key');
});
