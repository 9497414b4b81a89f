import { FirmwrightError } from '../core/index.js';
import type { ErrorCode, ErrorDetails } from '../core/index.js';

/** What an MTD driver answers to a request that it refuses or that the chip failed to carry out. */
export class FlashError extends FirmwrightError {
  readonly exitCode = 1;
  /** EINVAL: outside the device or not aligned; EROFS: not writable; EIO: the chip failed. */
  readonly errno: 'EINVAL' | 'EROFS' | 'EIO';

  constructor(code: ErrorCode, errno: FlashError['errno'], message: string, details: ErrorDetails = {}) {
    super(code, message, details);
    this.errno = errno;
  }
}

/**
 * The power is gone: thrown by the operation that was cut, and by every later one until `powerOn`.
 *
 * It is no FlashError, so that a file system that handles failed operations lets it pass: a program that runs on a
 * device whose power is cut does not get to handle anything.
 */
export class PowerCut extends Error {
  constructor() {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super('power cut');
    Error.stackTraceLimit = limit;
    this.name = 'PowerCut';
  }
}
