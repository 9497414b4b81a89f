import { EnvironmentError, FirmwrightError, InternalError, NativeError, errorCodes } from '../core/index.js';
import type { ErrorCode } from '../core/index.js';

/** What native/error.cc puts on an error. */
interface AddonFailure {
  readonly code?: unknown;
  readonly step?: unknown;
  readonly library?: unknown;
  readonly errno?: unknown;
  readonly path?: unknown;
}

/**
 * Turns an error of the addon into a class of ours: a failed system call for lack of room or memory to
 * EnvironmentError, other failures to NativeError.
 *
 * @param place  what the caller was at, put before the message (`xz stream`), or nothing
 * @returns the error to throw; an error of unknown code becomes InternalError
 */
export function addonError(cause: unknown, place?: string): Error {
  if (!(cause instanceof Error)) return new InternalError(String(cause), { cause });
  const { code, step, library, errno, path } = cause as Error & AddonFailure;
  const message = place === undefined ? cause.message : `${place}: ${cause.message}`;
  if (!isErrorCode(code) || code === 'FW_NATIVE_ARGUMENT') return new InternalError(message, { cause });
  const known = Object.entries({ step, library, errno, path }).filter(([, value]) => value !== undefined);
  const details = { cause, data: Object.fromEntries(known) };
  const environment = errno === 'ENOSPC' || errno === 'ENOMEM' || errno === 'EDQUOT' || errno === 'EMFILE';
  return environment ? new EnvironmentError(code, message, details) : new NativeError(code, message, details);
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && code in errorCodes;
}

/** Calls into the addon, turning its errors into ours (see `addonError`). */
export function callAddon<R>(call: () => R, place?: string): R {
  try {
    return call();
  } catch (cause) {
    throw addonError(cause, place);
  }
}

/** Names the errno that made a call of the addon fail, or undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  const errno = error instanceof FirmwrightError ? error.data['errno'] : undefined;
  return typeof errno === 'string' ? errno : undefined;
}
