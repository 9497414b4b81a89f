import { addonError } from '../addon/index.js';
import { FirmwrightError, systemError } from '../core/index.js';

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
  if (errno !== undefined)
    return systemError(errno, error.message, {
      ...(errno === 'ESTALE' ? { hint: 'pack a tree that nothing changes' } : {}),
      data: { path: 'path' in error ? error.path : undefined },
      cause: error,
    });
  return 'code' in error && String(error.code).startsWith('FW_NATIVE_') ? addonError(error) : error;
}
