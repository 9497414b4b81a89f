/** Every file and folder of the project that a document names is there. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Folders of the project; the others are made. */
const folders = ['board-profiles', 'images', 'native', 'test', 'tools'];
const files = [
  ...readdirSync(root),
  ...folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  ),
];
const names = new Set(files.map((file) => basename(file)));
const places = new Set(files);
for (const file of files)
  for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) places.add(folder);

const documents = files.filter((file) => file.endsWith('.md') && file !== 'CHANGELOG.md');
const sourceName = /\.(ts|cc|h|mjs|js|sh|md|gyp)$/;
const topFolder = new RegExp(`^(${folders.join('|')})/`);

/** Words in code spans that look like a place of the project, and the targets of links. */
function placesNamedIn(text: string): string[] {
  const spans = [...text.matchAll(/`([^`\s]+)`/g)].map(([, span = '']) => span);
  const links = [...text.matchAll(/\]\(([^)#\s]+)\)/g)].map(([, link = '']) => link);
  return [...spans.filter((span) => sourceName.test(span) || topFolder.test(span)), ...links]
    .map((place) => place.replace(/\/$/, ''))
    .filter((place) => !/[*{}<>$]|^\/|^https?:/.test(place));
}

/** A place is named from the project's root, from the document's folder or one inside it, or by a name alone. */
function isThere(place: string, document: string): boolean {
  const folder = dirname(document);
  const bases = [folder, '.', 'tools', 'test'];
  return (
    bases.some((base) => places.has(normalize(join(base, place)))) ||
    files.some((file) => file.startsWith(`${folder}/`) && file.endsWith(`/${place}`)) ||
    (!place.includes('/') && names.has(place))
  );
}

test.each(documents)('every file that %s names is there', (document) => {
  const text = readFileSync(join(root, document), 'utf8');
  expect(placesNamedIn(text).filter((place) => !isThere(place, document))).toEqual([]);
});

test('a file that is not there is found out', () => {
  const named = placesNamedIn('`tools/none/gone.ts`, `gone.ts`, [text](GONE.md), `tools/vfs/`, `name.txt`');
  expect(named.filter((place) => !isThere(place, 'README.md'))).toEqual([
    'tools/none/gone.ts',
    'gone.ts',
    'GONE.md',
  ]);
});
