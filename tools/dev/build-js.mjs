// Bundles the program into dist/: what one verb needs in a file of its own, what several share in chunks. A start then reads a
// handful of files where it would read some 140, and most short runs are little else than a start. Types are checked
// apart, by `npm run types`.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const checkout = fileURLToPath(new URL('../../', import.meta.url));

/** The program, and what its worker processes load by name (`moduleUrl` in tools/core). */
const entries = [
  'cli/main',
  'emulator/check/shares',
  'emulator/scenario/cut-sweep',
  'flash/explorer-pool',
  'flash/share-worker',
];

/**
 * Help is ASCII. The tables of emoji and wide characters that yargs would measure it with take as long to load as Node
 * itself; other users of the same packages keep them.
 */
const plainHelp = {
  name: 'plain help',
  setup({ onResolve, onLoad }) {
    const replaced = { 'string-width': 'textWidth', 'wrap-ansi': 'wrapText' };
    onResolve({ filter: /^(string-width|wrap-ansi)$/ }, ({ path, importer }) =>
      /\/node_modules\/(yargs|cliui)\//.test(importer) ? { path, namespace: 'plain-help' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'plain-help' }, ({ path }) => ({
      contents: `export { ${replaced[path]} as default } from './tools/cli/render/plain-layout.ts'`,
      resolveDir: checkout,
    }));
  },
};

rmSync(`${checkout}dist`, { recursive: true, force: true });
await build({
  absWorkingDir: checkout,
  entryPoints: entries.map((entry) => `tools/${entry}.ts`),
  outbase: 'tools',
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  legalComments: 'none',
  // For the CommonJS packages among the dependencies.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  plugins: [plainHelp],
  logLevel: 'warning',
});
