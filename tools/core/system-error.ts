import type { ErrorCode } from './error-codes.js';
import { EnvironmentError } from './errors.js';
import type { ErrorDetails } from './errors.js';

interface Refusal {
  readonly code: ErrorCode;
  readonly hint: string;
}

const access: Refusal = { code: 'FW_ENV_ACCESS', hint: 'name another place, or change its owner or mode' };
const full: Refusal = { code: 'FW_ENV_DISK_FULL', hint: 'make room, or write elsewhere' };

/** Errnos of the host that a user can do something about. */
const refusals: ReadonlyMap<string, Refusal> = new Map([
  ['EACCES', access],
  ['EPERM', access],
  ['EROFS', access],
  ['ENOSPC', full],
  ['EDQUOT', full],
]);

/**
 * Makes the error for a call that the operating system refused.
 *
 * @param errno  its name, such as `EACCES`; it becomes part of `data`
 * @param details  a hint here wins over the one that goes with the errno
 * @returns FW_ENV_ACCESS, FW_ENV_DISK_FULL or, for every other errno, FW_ENV_FILE
 */
export function systemError(errno: string, message: string, details: ErrorDetails = {}): EnvironmentError {
  const { code, ...advice } = refusals.get(errno) ?? { code: 'FW_ENV_FILE' as const };
  return new EnvironmentError(code, message, {
    ...advice,
    ...details,
    data: { ...details.data, errno },
  });
}
