/**
 * Where Firmwright's own files are. The program runs compiled, from `dist/`, and in tests from its sources, `tools/`. Both
 * tools/core and dist/chunks, where `npm run build:js` puts what modules share, stand two folders below the checkout.
 */
import { fileURLToPath } from 'node:url';

const checkout = new URL('../../', import.meta.url);
const fromSources = import.meta.url.endsWith('.ts');

/** Path of a file or folder of the checkout, such as `board-profiles`. */
export function checkoutPath(path: string): string {
  return fileURLToPath(new URL(path, checkout));
}

/** True when the program runs from its sources, which need the loader of TypeScript also in other processes. */
export function runsFromSources(): boolean {
  return fromSources;
}

/**
 * URL of a module that is started or loaded by name, in the form that runs now.
 *
 * @param name  such as `flash/share-worker`; one of the entries of tools/dev/build-js.mjs
 */
export function moduleUrl(name: string): string {
  return new URL(fromSources ? `tools/${name}.ts` : `dist/${name}.js`, checkout).href;
}
