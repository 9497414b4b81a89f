/** Files that the verbs on finished images share. */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { UsageError } from '../core/index.js';

/** What `unpack` writes beside the pieces. */
export const descriptionName = 'firmwright-unpack.json';

/** Flash of the boards is far smaller; a larger file is a mistake and would only fill the memory. */
const imageLimit = 1024 ** 3;

/**
 * Reads an image into memory.
 *
 * @throws UsageError FW_USAGE_FILE when it cannot be read, is no file, or is larger than 1 GiB
 */
export function readImage(path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size > imageLimit)
      throw new UsageError('FW_USAGE_FILE', `${path} has ${size} bytes, more than any flash image`);
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new UsageError('FW_USAGE_FILE', `${path} ${faults[errno] ?? `cannot be read: ${errno}`}`, {
      hint: 'check the path on the command line',
      cause,
    });
  }
}

const faults: Readonly<Record<string, string>> = {
  ENOENT: 'is not there',
  EISDIR: 'is a folder where an image is expected',
};

/** Replaces a file: written beside it, then renamed, so that it is never half-written. */
export function writeBeside(path: string, content: Uint8Array | string): void {
  const beside = `${path}.part`;
  try {
    writeFileSync(beside, content);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
