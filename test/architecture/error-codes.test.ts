import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { errorCodes } from '../../tools/core/index.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

function codesUsedIn(folder: string, pattern: RegExp): Set<string> {
  const used = new Set<string>();
  for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
    if (!pattern.test(file) || file === 'core/error-codes.ts') continue;
    for (const match of readFileSync(join(root, folder, file), 'utf8').matchAll(
      /\bFW_[A-Z0-9]+(?:_[A-Z0-9]+)*\b/g,
    )) {
      used.add(match[0]);
    }
  }
  return used;
}

/** Variables of the environment, which look like codes. */
const notCodes = new Set(['FW_REPLAY', 'FW_REQUIRE_ALL']);

test('every code that the sources use is listed', () => {
  const used = [...codesUsedIn('tools', /\.ts$/), ...codesUsedIn('native', /\.(cc|h)$/)];
  expect(used.filter((code) => !(code in errorCodes) && !notCodes.has(code))).toEqual([]);
});

test('every listed code is used', () => {
  const used = new Set([...codesUsedIn('tools', /\.ts$/), ...codesUsedIn('native', /\.(cc|h)$/)]);
  expect(Object.keys(errorCodes).filter((code) => !used.has(code))).toEqual([]);
});
