/** The table of items in tools/union/DESIGN.md against the tests that cite them ("union 84" in a title). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Items of the union semantics, numbered from 1. */
const itemCount = 216;
const all = Array.from({ length: itemCount }, (_, index) => index + 1);

/** Reads `1, 2, 5 to 7`. */
function numbersIn(text: string): number[] {
  return [...text.matchAll(/(\d+)(?: to (\d+))?/g)].flatMap(([, first, last]) => {
    const from = Number(first);
    return Array.from({ length: Number(last ?? from) - from + 1 }, (_, index) => from + index);
  });
}

function section(title: string): string {
  const design = readFileSync(join(root, 'tools/union/DESIGN.md'), 'utf8');
  return new RegExp(`\\n## ${title}\\n([^]*?)(?=\\n## |$)`).exec(design)?.[1] ?? '';
}

const items = section('Items');
const done = [...items.matchAll(/^\| ([\d, to]+?) +\|/gm)].flatMap(([, cell = '']) => numbersIn(cell));
const notTested = [...items.matchAll(/^- ([\d, to]+):/gm)].flatMap(([, cell = '']) => numbersIn(cell));

/** Items that tests cite, each by its own number: a range would cite what nobody looked at. */
function cited(): Map<number, string> {
  const found = new Map<number, string>();
  for (const file of readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.startsWith('architecture')) continue;
    const text = readFileSync(join(root, 'test', file), 'utf8');
    for (const [, list = ''] of text.matchAll(/\(union (\d+(?:, \d+)*)\)/g)) {
      for (const number of numbersIn(list)) found.set(number, file);
    }
  }
  return found;
}

test('every item stands once, in the table or among those that have no test of their own', () => {
  expect([...done, ...notTested].sort((a, b) => a - b)).toEqual(all);
});

test('every item of the table is cited by a test, and no other', () => {
  const tests = cited();
  expect(done.filter((number) => !tests.has(number))).toEqual([]);
  expect(
    [...tests.keys()]
      .filter((number) => !done.includes(number))
      .map((number) => `${number} in ${tests.get(number)}`),
  ).toEqual([]);
});
