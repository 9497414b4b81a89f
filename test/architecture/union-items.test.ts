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

const text = section('Items');
/** Letters of the legend, each with the file or folder it stands for. */
const groups = new Map(
  [...text.matchAll(/^\| ([A-Z]) +\| `(test\/[^`]+)`/gm)].map(([, letter = '', path = '']) => [letter, path]),
);
const rows = [...text.matchAll(/^\| (\d[\d, to]*?) +\| ([^|]+?) +\| ([A-Z ]+?) +\|$/gm)].map(
  ([, items = '', where = '', letters = '']) => ({
    items: numbersIn(items),
    where,
    letters: letters.split(' '),
  }),
);
const done = rows.flatMap(({ items }) => items);
const untested = /Without a test of their own([^]*?)(?=\nHow some are read|$)/.exec(text)?.[1] ?? '';
const notTested = [...untested.matchAll(/^- ([\d, to]+):/gm)].flatMap(([, cell = '']) => numbersIn(cell));

/** Items that tests cite, each by its own number (a range would cite what nobody looked at), with their files. */
function citations(): Map<number, Set<string>> {
  const found = new Map<number, Set<string>>();
  for (const name of readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const file = `test/${name}`;
    for (const [, list = ''] of readFileSync(join(root, file), 'utf8').matchAll(
      /\(union (\d+(?:, \d+)*)\)/g,
    )) {
      for (const number of numbersIn(list)) found.set(number, (found.get(number) ?? new Set()).add(file));
    }
  }
  return found;
}

const cited = citations();

function citedBy(letter: string, item: number): boolean {
  const place = groups.get(letter);
  return place !== undefined && [...(cited.get(item) ?? [])].some((file) => file.startsWith(place));
}

test('every item stands once, in the table or among those that have no test of their own', () => {
  expect([...done, ...notTested].sort((a, b) => a - b)).toEqual(all);
});

test('every item of the table is cited by a test of a group that its row names, and no other item is cited', () => {
  const wanting = rows.flatMap(({ items, letters }) =>
    items
      .filter((item) => !letters.some((letter) => citedBy(letter, item)))
      .map((item) => `${item} in ${letters.join(' ')}`),
  );
  expect(wanting).toEqual([]);
  expect([...cited.keys()].filter((number) => !done.includes(number))).toEqual([]);
});

test('every group that a row names cites one of its items', () => {
  const idle = rows.flatMap(({ items, letters }) =>
    letters
      .filter((letter) => !items.some((item) => citedBy(letter, item)))
      .map((letter) => `${letter} for ${items.join(', ')}`),
  );
  expect(idle).toEqual([]);
  expect(
    [...groups.keys()].filter((letter) => !rows.some(({ letters }) => letters.includes(letter))),
  ).toEqual([]);
});

test('every file that a row names is there', () => {
  const names = [...readdirSync(join(root, 'tools'), { recursive: true, encoding: 'utf8' })];
  const missing = rows.flatMap(({ where }) =>
    [...where.matchAll(/[a-z/-]+\.ts/g)]
      .map(([name]) => name)
      .filter((name) => !names.some((path) => path.endsWith(`/${name}`))),
  );
  expect(missing).toEqual([]);
});
