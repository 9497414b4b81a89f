import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder of the host, and those above it that are missing.
 *
 * Node's own `recursive` never ends where a folder is there but cannot have others in it, as below /proc.
 *
 * @returns the topmost folder that was made, as an absolute path; undefined when all were there
 * @throws the error of the system, such as ENOTDIR or EACCES
 */
export function makeFolder(path: string): string | undefined {
  if (isFolder(path)) return undefined;
  const made = makeFolder(dirname(resolve(path)));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have been quicker.
    if (!isFolder(path)) throw error;
  }
  return made ?? resolve(path);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
