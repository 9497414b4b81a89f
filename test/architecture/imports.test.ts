import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const tools = join(root, 'tools');

function allowedImports(): Map<string, Set<string>> {
  const table = new Map<string, Set<string>>();
  for (const line of readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8').split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim());
    const [, module, imports] = cells;
    if (cells.length !== 5 || module === undefined || imports === undefined || !/^[a-z0-9]+$/.test(module))
      continue;
    if (module === 'module') continue;
    table.set(module, new Set(imports === '-' ? [] : imports.split(',').map((name) => name.trim())));
  }
  return table;
}

function sourceFiles(): string[] {
  return readdirSync(tools, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('dev/'))
    .sort();
}

function localImports(file: string): string[] {
  const text = readFileSync(join(tools, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
    (match) => match[1] ?? '',
  );
  return specifiers.map((specifier) => relative(tools, resolve(tools, dirname(file), specifier)));
}

test('every module imports only what the table in ARCHITECTURE.md allows', () => {
  const table = allowedImports();
  const faults: string[] = [];
  for (const file of sourceFiles()) {
    const from = file.split('/')[0] ?? '';
    const allowed = table.get(from);
    if (!allowed) {
      faults.push(`${file}: module ${from} is not in the table`);
      continue;
    }
    for (const target of localImports(file)) {
      const to = target.split('/')[0] ?? '';
      if (to === from) continue;
      if (!allowed.has(to)) faults.push(`${file}: ${from} may not import ${to}`);
      else if (target !== `${to}/index.js`)
        faults.push(`${file}: imports ${target} instead of ${to}/index.js`);
    }
  }
  expect(faults).toEqual([]);
});

test('the table has no cycle', () => {
  const table = allowedImports();
  expect(table.size).toBeGreaterThan(10);
  const done = new Set<string>();
  const visit = (module: string, path: readonly string[]): void => {
    expect(path, `cycle ${[...path, module].join(' > ')}`).not.toContain(module);
    if (done.has(module)) return;
    for (const next of table.get(module) ?? []) visit(next, [...path, module]);
    done.add(module);
  };
  for (const module of table.keys()) visit(module, []);
});

/** The ways that lead back to where they start; each circle is told once. */
function circles(imports: ReadonlyMap<string, Iterable<string>>): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) found.push([...path.slice(path.indexOf(name)), name].join(' > '));
    if (path.includes(name) || done.has(name)) return;
    for (const next of imports.get(name) ?? []) visit(next, [...path, name]);
    done.add(name);
  };
  for (const name of imports.keys()) visit(name, []);
  return found;
}

/** What each file imports, types too. */
function importsOfFiles(): Map<string, readonly string[]> {
  return new Map(
    sourceFiles().map((file) => [file, localImports(file).map((name) => name.replace(/\.js$/, '.ts'))]),
  );
}

test('no file imports itself in a circle, not even for a type', () => {
  expect(circles(importsOfFiles())).toEqual([]);
});

test('the folders of a module do not import each other in a circle', () => {
  const folders = new Map<string, Set<string>>();
  for (const [file, imports] of importsOfFiles()) {
    const [module = '', folder = '', name] = file.split('/');
    if (name === undefined) continue;
    const known = folders.get(`${module}/${folder}`) ?? new Set();
    folders.set(`${module}/${folder}`, known);
    for (const target of imports) {
      const [toModule, toFolder = '', toName] = target.split('/');
      if (toModule === module && toName !== undefined && toFolder !== folder)
        known.add(`${module}/${toFolder}`);
    }
  }
  expect(folders.size).toBeGreaterThan(20);
  expect(circles(folders)).toEqual([]);
});

test('only tools/addon loads a .node file', () => {
  const loaders = sourceFiles().filter((file) => /\.node['"`]/.test(readFileSync(join(tools, file), 'utf8')));
  expect(loaders.filter((file) => !file.startsWith('addon/'))).toEqual([]);
});

/** Modules and packages that a file loads at its start, by the imports of values alone. */
function loadedModules(entry: string): Set<string> {
  const files = new Set([entry]);
  const modules = new Set<string>();
  for (const file of files) {
    const text = readFileSync(join(tools, file), 'utf8');
    for (const [, specifier = ''] of text.matchAll(/^(?:import|export) (?!type\b)[^;]*?from '([^']+)'/gm)) {
      if (!specifier.startsWith('.')) modules.add(specifier);
      else files.add(relative(tools, resolve(tools, dirname(file), specifier)).replace(/\.js$/, '.ts'));
    }
    modules.add(file.split('/')[0] ?? '');
  }
  return modules;
}

test('a verb that packs a file system starts without the device and the schemas', () => {
  for (const verb of ['mkfs-squashfs', 'mkfs-jffs2']) {
    const loaded = loadedModules(`cli/commands/${verb}.ts`);
    expect(loaded).toContain('vfs');
    for (const slow of ['emulator', 'boards', 'firmware', 'zod', 'yaml']) expect(loaded).not.toContain(slow);
  }
});
