/** Copies of the sources with one seeded fault each, compiled where tests can load them. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** One seeded fault: a text of a source file and what stands in its place. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const compiled = new Map<string, string>();

function compile(file: string, source: string): string {
  return ts.transpileModule(source, {
    fileName: file,
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      verbatimModuleSyntax: true,
    },
  }).outputText;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));
}

/**
 * Compiles folders of the checkout with a fault, and loads one module of them.
 *
 * @param mutation  undefined: as the sources are
 * @param folders   what is compiled anew
 * @param shared    modules of `tools/` that the copy takes from the checkout as they are
 * @returns the module's exports
 */
export async function loadMutant(
  mutation: Mutation | undefined,
  folders: readonly string[],
  module: string,
  shared: readonly string[] = [],
): Promise<Readonly<Record<string, unknown>>> {
  const folder = join(
    root,
    'build/mutants',
    `${process.pid}-${(mutation?.name ?? 'none').replaceAll(/[^a-z0-9]+/gi, '-')}`,
  );
  let applied = mutation === undefined;
  for (const file of folders.flatMap(sources)) {
    let text = compiled.get(file);
    if (file === mutation?.file) {
      const source = readFileSync(join(root, file), 'utf8');
      if (source.split(mutation.from).length !== 2)
        throw new Error(`${file} does not hold exactly one: ${mutation.from}`);
      text = compile(
        file,
        source.replace(mutation.from, () => mutation.to),
      );
      applied = true;
    } else if (text === undefined) {
      text = compile(file, readFileSync(join(root, file), 'utf8'));
      compiled.set(file, text);
    }
    const target = join(folder, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  if (!applied) throw new Error(`${mutation?.file ?? ''} is not among the sources`);
  for (const name of shared.filter((other) => !folders.includes(other))) {
    mkdirSync(join(folder, name), { recursive: true });
    const index = pathToFileURL(join(root, name, 'index.ts')).pathname;
    writeFileSync(join(folder, name, 'index.js'), `export * from ${JSON.stringify(index)};\n`);
  }
  try {
    const loaded: unknown = await import(pathToFileURL(join(folder, module.replace(/\.ts$/, '.js'))).href);
    if (typeof loaded !== 'object' || loaded === null) throw new Error(`${module} is no module`);
    return loaded as Readonly<Record<string, unknown>>;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
