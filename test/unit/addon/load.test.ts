import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { addonError, loadAddon } from '../../../tools/addon/index.js';
import { missingAddon } from '../../../tools/addon/load.js';

test('an addon without the function asked for names the command that builds it', () => {
  expect(() => loadAddon<{ noSuchFunction: () => void }>('hostfs', ['noSuchFunction'])).toThrow(
    expect.objectContaining({ code: 'FW_ENV_ADDON_MISSING', exitCode: 5, hint: 'npm run build:native' }),
  );
});

test('an addon that is not built names the command that builds it', () => {
  expect(() => loadAddon('not-built', [])).toThrow(
    expect.objectContaining({ code: 'FW_ENV_ADDON_MISSING', exitCode: 5, hint: 'npm run build:native' }),
  );
});

test('an addon that is there and does not load says why', () => {
  const file = fileURLToPath(import.meta.url);
  expect(missingAddon('squashfs', file, new Error(`${file}: invalid ELF header\nmore`)).message).toBe(
    `the squashfs addon cannot be loaded: ${file}: invalid ELF header`,
  );
  expect(missingAddon('squashfs', '/none.node', new Error('Cannot find module')).message).toBe(
    'the squashfs addon is not built: /none.node is not there',
  );
});

test('an addon whose library is missing names the package of the library', () => {
  const cause = new Error('libsquashfs.so.1: cannot open shared object file: No such file or directory');
  expect(missingAddon('squashfs', '/some/firmwright_squashfs.node', cause)).toMatchObject({
    code: 'FW_ENV_ADDON_MISSING',
    exitCode: 5,
    message: 'the squashfs addon needs libsquashfs.so, which is missing',
    hint: 'apt-get install libsquashfs1',
  });
});

test('an error of the addon keeps its code, its library name and its place', () => {
  const cause = Object.assign(new Error('damaged'), {
    code: 'FW_NATIVE_DECOMPRESS',
    library: 'LZMA_DATA_ERROR',
  });
  expect(addonError(cause, 'xz stream')).toMatchObject({
    name: 'NativeError',
    code: 'FW_NATIVE_DECOMPRESS',
    message: 'xz stream: damaged',
    data: { library: 'LZMA_DATA_ERROR' },
    exitCode: 4,
    cause,
  });
});

test('an error of unknown code is a bug of ours', () => {
  expect(addonError(new TypeError('wild'))).toMatchObject({ code: 'FW_INTERNAL', exitCode: 1 });
});

test('a full disk is an error of the environment', () => {
  const cause = Object.assign(new Error('write'), { code: 'FW_NATIVE_SYSTEM', errno: 'ENOSPC' });
  expect(addonError(cause)).toMatchObject({
    code: 'FW_NATIVE_SYSTEM',
    exitCode: 5,
    data: { errno: 'ENOSPC' },
  });
});
