import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cacheKey, SquashfsCache } from '../../../tools/build/squashfs-cache.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();
const image = Uint8Array.of(1, 2, 3);

test('what was kept is found, and only under its own key', async () => {
  const cache = new SquashfsCache(join(folder, 'a'));
  expect(await cache.find('k')).toBeUndefined();
  expect(await cache.keep('k', image)).toBe(true);
  expect(await cache.find('k')).toEqual(image);
  expect(await cache.find('l')).toBeUndefined();
});

test('an entry that was changed is not taken', async () => {
  const cache = new SquashfsCache(join(folder, 'b'));
  await cache.keep('k', image);
  writeFileSync(join(folder, 'b/k.squashfs'), Uint8Array.of(1, 2));
  expect(await cache.find('k')).toBeUndefined();
});

test('runs side by side keep whole entries and leave no partial file', async () => {
  const cache = new SquashfsCache(join(folder, 'c'));
  await Promise.all(Array.from({ length: 20 }, () => cache.keep('k', image)));
  expect(await cache.find('k')).toEqual(image);
  expect(readdirSync(join(folder, 'c')).sort()).toEqual(['k.sha256', 'k.squashfs']);
});

test('a folder that takes no files costs nothing but the entry', async () => {
  mkdirSync(join(folder, 'd'));
  writeFileSync(join(folder, 'd/file'), '');
  const cache = new SquashfsCache(join(folder, 'd/file/below'));
  expect(await cache.keep('k', image)).toBe(false);
  expect(await cache.find('k')).toBeUndefined();
});

test('a folder that can hold none below it ends the attempt', async () => {
  expect(await new SquashfsCache('/proc/no-such-folder/cache').keep('k', image)).toBe(false);
});

test('the key depends on inputs, parameters and time, not on paths', () => {
  const tree = (path: string, sha256: string): { inputs: { kind: 'archive'; path: string; sha256: string }[] } => ({
    inputs: [{ kind: 'archive', path, sha256 }],
  });
  const xz = { compressor: { kind: 'xz' }, blockSize: 262144, effort: 'normal' } as const;
  const key = cacheKey(tree('/a', '00'), xz, 1);
  expect(cacheKey(tree('/b', '00'), xz, 1)).toBe(key);
  expect(cacheKey(tree('/a', '01'), xz, 1)).not.toBe(key);
  expect(cacheKey(tree('/a', '00'), { ...xz, blockSize: 131072 }, 1)).not.toBe(key);
  expect(cacheKey(tree('/a', '00'), xz, 2)).not.toBe(key);
});
