import type { ByteString } from '../core/index.js';
import { FsError } from './errno.js';
import { NAME_MAX } from './file-system.js';

/**
 * Checks that a name can stand in a directory.
 *
 * @throws FsError ENAMETOOLONG above 255 bytes; EINVAL for an empty name, `.`, `..`, a slash or a zero byte
 */
export function checkName(name: ByteString, syscall: string): void {
  if (name.length > NAME_MAX) throw new FsError('ENAMETOOLONG', syscall, name);
  if (!isName(name)) throw new FsError('EINVAL', syscall, name);
}

/** Tells whether a directory could hold a name, were it short enough. */
export function isName(name: ByteString): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}
