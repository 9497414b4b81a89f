import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { boardProfileJsonSchema, checkBoardProfile } from '../../../tools/boards/index.js';

const folder = new URL('../../../board-profiles/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const firstBoards = [
  'glinet_gl-mt300n-v2',
  'tplink_archer-c7-v2',
  'tplink_tl-wr841-v11',
  'ubnt_unifi-ap',
  'xiaomi_mi-router-4a-gigabit',
  'zbtlink_zbt-wg3526-32m',
];

test('the first boards are there', () => {
  expect(files.map((file) => file.replace('.yaml', ''))).toEqual(expect.arrayContaining(firstBoards));
});

test.each(files)('%s is free of errors and named for its board', (file) => {
  const { profile, diagnostics } = checkBoardProfile(readFileSync(new URL(file, folder), 'utf8'), file);
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(`${profile?.id ?? ''}.yaml`).toBe(file);
});

test('the JSON Schema for editors is up to date (npx tsx tools/dev/write-board-schema.ts)', () => {
  const written: unknown = JSON.parse(readFileSync(new URL('schema.json', folder), 'utf8'));
  expect(written).toEqual(JSON.parse(JSON.stringify(boardProfileJsonSchema())));
});
