/** Reads key files of usign and signify. */
import { UsageError } from '../core/index.js';
import { readText } from './input-files.js';

/** Reads a key file as text. @throws UsageError FW_USAGE_FILE */
export function readKey(path: string): string {
  try {
    return readText(path, 'a key');
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError('FW_USAGE_FILE', `key ${path} cannot be read`, {
      hint: 'firmwright sign --make-key NAME makes NAME.sec and NAME.pub',
      cause,
    });
  }
}
