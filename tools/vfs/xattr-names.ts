import type { ByteString } from '../core/index.js';
import { FsError } from './errno.js';

/** Longest value of an xattr in bytes (XATTR_SIZE_MAX of Linux). */
export const XATTR_SIZE_MAX = 65536;

const namespaces = ['user.', 'trusted.', 'security.', 'system.'];

/**
 * Checks the name of an extended attribute against what Linux allows.
 *
 * @throws FsError EOPNOTSUPP for an unknown namespace, EINVAL when nothing follows it, ERANGE above 255 bytes
 */
export function checkXattrName(name: ByteString, syscall: string): void {
  if (name === '' || name.length > 255) throw new FsError('ERANGE', syscall, name);
  const prefix = namespaces.find((space) => name.startsWith(space));
  if (prefix === undefined) throw new FsError('EOPNOTSUPP', syscall, name);
  if (name.length === prefix.length) throw new FsError('EINVAL', syscall, name);
}

/**
 * Checks the size of an attribute's value.
 *
 * @throws FsError E2BIG above 64 KiB
 */
export function checkXattrValue(value: Uint8Array, syscall: string, name: ByteString): void {
  if (value.length > XATTR_SIZE_MAX) throw new FsError('E2BIG', syscall, name);
}
