/** What an upper turns out not to be able to do, found by trying. */
import { FsError } from '../vfs/index.js';
import type { Errno } from '../vfs/index.js';

/** What an upper lacked when it was tried. */
export type Lack = 'exchange' | 'whiteout rename' | 'devices' | 'attributes' | 'links';

const unsupported: readonly Errno[] = ['EINVAL', 'EOPNOTSUPP', 'ENOSYS'];

/** Tells whether a layer answered that it cannot do something at all. */
export function isUnsupported(error: unknown): boolean {
  return error instanceof FsError && unsupported.includes(error.code);
}
