import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { byteStringFromText } from '../../tools/core/index.js';
import { scanJffs2 } from '../../tools/jffs2/index.js';
import { firmwright, jsonOf } from '../support/cli.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
beforeAll(() => {
  mkdirSync(join(folder, 'root/etc'), { recursive: true });
  writeFileSync(join(folder, 'root/etc/motd'), 'hello\n'.repeat(100));
  writeFileSync(join(folder, 'table'), '/console c 600 0 0 5 1\n');
});

test('a folder becomes an image, with figures as text and as JSON', async () => {
  const image = join(folder, 'out.jffs2');
  const words = [
    'mkfs',
    'jffs2',
    join(folder, 'root'),
    image,
    '--endian',
    'big',
    '-D',
    join(folder, 'table'),
  ];
  const plain = await firmwright(words);
  expect(plain).toMatchObject({ exitCode: 0 });
  expect(plain.stdout).toContain('big-endian, erase size 64 KiB, 1 in use, 3 names');
  const { tree } = scanJffs2(new Uint8Array(readFileSync(image)));
  expect([...tree.entries.keys()].sort()).toEqual(['console', 'etc'].map((text) => byteStringFromText(text)));
  const json = jsonOf(await firmwright([...words, '--json']));
  expect(json).toMatchObject({ schemaVersion: 1, size: 65536, endian: 'big', nodes: { dirent: 3 } });
});

test('a failed run leaves the old image and no partial one', async () => {
  const image = join(folder, 'kept.jffs2');
  writeFileSync(image, 'old');
  const words = ['mkfs', 'jffs2', join(folder, 'root'), image, '--endian', 'little'];
  expect((await firmwright([...words, '-e', '1k'])).exitCode).toBe(4);
  expect((await firmwright([...words, '-e', 'much'])).exitCode).toBe(2);
  expect((await firmwright([...words, '--compatible', '--summaries'])).exitCode).toBe(2);
  expect(readFileSync(image, 'utf8')).toBe('old');
});
