import { statSync } from 'node:fs';
import { UsageError } from '../core/index.js';

/** Refuses a path that is no folder. @param what as for `requireRegularFile` @throws UsageError FW_USAGE_FILE */
export function requireFolder(path: string, what: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  const fault = found === undefined ? 'is not there' : 'is no folder';
  throw new UsageError('FW_USAGE_FILE', `${what}: ${path} ${fault}`, {
    hint: 'check the path on the command line or in the recipe',
    data: { path },
  });
}

/**
 * Refuses a path that is no regular file: a device may never end, and a pipe may wait for ever.
 *
 * @param what  the file is for, for the error
 * @throws UsageError FW_USAGE_FILE, also when there is nothing of that name; the error of the system otherwise
 */
export function requireRegularFile(path: string, what: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile()) return;
  const fault =
    found === undefined
      ? 'is not there'
      : found.isDirectory()
        ? 'is a folder, not a file'
        : 'is a device, a pipe or a socket, not a file';
  throw new UsageError('FW_USAGE_FILE', `${what}: ${path} ${fault}`, { data: { path } });
}
