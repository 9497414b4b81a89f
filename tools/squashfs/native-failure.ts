import { addonError } from '../addon/index.js';
import { EnvironmentError, FirmwrightError } from '../core/index.js';

/** Name of the errno, when the addon met a failed system call; undefined for every other error. */
function errnoOf(error: Error): string | undefined {
  return 'errno' in error && typeof error.errno === 'string' ? error.errno : undefined;
}

/** Tells whether the addon stopped because it was asked to. */
export function isCancelled(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'FW_NATIVE_CANCELLED';
}

/** Wraps a failure of the addon in the class that its cause calls for; our own errors pass through. */
export function wrapNativeFailure(error: unknown): unknown {
  if (error instanceof FirmwrightError || !(error instanceof Error)) return error;
  const errno = errnoOf(error);
  const details = { data: { errno, path: 'path' in error ? error.path : undefined }, cause: error };
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new EnvironmentError('FW_ENV_DISK_FULL', error.message, {
      ...details,
      hint: 'make room, or write elsewhere',
    });
  }
  if (errno === 'ESTALE') {
    return new EnvironmentError('FW_ENV_FILE', error.message, {
      ...details,
      hint: 'pack a tree that nothing changes',
    });
  }
  if (errno !== undefined) return new EnvironmentError('FW_ENV_FILE', error.message, details);
  return 'code' in error && String(error.code).startsWith('FW_NATIVE_') ? addonError(error) : error;
}
