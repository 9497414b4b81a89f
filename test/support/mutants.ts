/** Copies of a module with one seeded fault each. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** One seeded fault: a text of a source file and what stands in its place. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Bundles a module and all that it imports of the checkout, with a fault, and loads it.
 *
 * @param mutation  undefined: as the sources are
 * @param module    path in the checkout
 * @returns the module's exports
 */
export async function loadMutant(
  mutation: Mutation | undefined,
  module: string,
): Promise<Readonly<Record<string, unknown>>> {
  const name = `${process.pid}-${(mutation?.name ?? 'none').replaceAll(/[^a-z0-9]+/gi, '-')}.js`;
  // Two folders below the checkout, as what looks for files of the checkout expects.
  const bundle = join(root, 'build/mutants', name);
  let applied = mutation === undefined;
  try {
    await build({
      absWorkingDir: root,
      entryPoints: [module],
      outfile: bundle,
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      logLevel: 'warning',
      plugins: [
        {
          name: 'seeded fault',
          setup: (plugin) => {
            plugin.onLoad({ filter: /\.ts$/ }, ({ path }) => {
              if (mutation === undefined || path !== join(root, mutation.file)) return undefined;
              applied = true;
              return { contents: faulty(mutation), loader: 'ts' };
            });
          },
        },
      ],
    });
    if (!applied) throw new Error(`${module} does not import ${mutation?.file ?? ''}`);
    const loaded: unknown = await import(pathToFileURL(bundle).href);
    if (typeof loaded !== 'object' || loaded === null) throw new Error(`${module} is no module`);
    return loaded as Readonly<Record<string, unknown>>;
  } finally {
    rmSync(bundle, { force: true });
  }
}

function faulty({ file, from, to }: Mutation): string {
  const source = readFileSync(join(root, file), 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold exactly one: ${from}`);
  return source.replace(from, () => to);
}
