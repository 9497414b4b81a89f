import { readFileSync } from 'node:fs';

/** Version of the program, from its package.json; the same below `tools/` and below `dist/`. */
export function programVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const value =
    typeof manifest === 'object' && manifest && 'version' in manifest ? manifest.version : undefined;
  return typeof value === 'string' ? value : 'unknown';
}
