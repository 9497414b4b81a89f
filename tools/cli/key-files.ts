/** Reads key files of usign and signify. */
import { readFileSync } from 'node:fs';
import { UsageError } from '../core/index.js';

/** Reads a key file as text. @throws UsageError FW_USAGE_FILE */
export function readKey(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError('FW_USAGE_FILE', `key ${path} cannot be read`, {
      hint: 'firmwright sign --make-key NAME makes NAME.sec and NAME.pub',
      cause,
    });
  }
}
