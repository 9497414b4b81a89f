import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { boardProfileJsonSchema, checkBoardProfile } from '../../../tools/boards/index.js';

const folder = new URL('../../../board-profiles/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

test('25 boards with NOR flash and 4 with NAND flash are there', () => {
  const kinds = files.map(
    (file) => /kind: (nor|nand)/.exec(readFileSync(new URL(file, folder), 'utf8'))?.[1],
  );
  expect([
    kinds.filter((kind) => kind === 'nor').length,
    kinds.filter((kind) => kind === 'nand').length,
  ]).toEqual([25, 4]);
});

test.each(files)('%s is clean and named for its board', (file) => {
  const { profile, diagnostics } = checkBoardProfile(readFileSync(new URL(file, folder), 'utf8'), file);
  expect(diagnostics).toEqual([]);
  expect(`${profile?.id ?? ''}.yaml`).toBe(file);
});

test('the JSON Schema for editors is up to date (npx tsx tools/dev/write-board-schema.ts)', () => {
  const written: unknown = JSON.parse(readFileSync(new URL('schema.json', folder), 'utf8'));
  expect(written).toEqual(JSON.parse(JSON.stringify(boardProfileJsonSchema())));
});
