import { readFileSync } from 'node:fs';
import { checkoutPath } from '../core/index.js';

/** Version of the program, from its package.json. */
export function programVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(checkoutPath('package.json'), 'utf8'));
  const value =
    typeof manifest === 'object' && manifest && 'version' in manifest ? manifest.version : undefined;
  return typeof value === 'string' ? value : 'unknown';
}
