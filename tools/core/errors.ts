/**
 * The error classes of Firmwright and the exit code of each.
 *
 * An error carries a code (see error-codes.ts), a one-line message that says what is wrong, where, expected and
 * found, and a hint that says what to do next. Modules wrap once at their border, always with `cause`.
 */
import type { ErrorCode } from './error-codes.js';

/** What an error knows besides its message; `data` is plain JSON. */
export interface ErrorDetails {
  readonly hint?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Common shape of all errors that Firmwright throws on purpose; never thrown itself. */
export abstract class FirmwrightError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
  abstract readonly exitCode: number;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = details.hint;
    this.data = details.data ?? {};
  }
}

/** Wrong command line. */
export class UsageError extends FirmwrightError {
  readonly exitCode = 2;
}

/** One problem of a file that the user wrote; positions count from 1. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly notes?: readonly string[];
}

/** A board profile, recipe or scenario with all its problems, collected to the end of the file. */
export class ProfileError extends FirmwrightError {
  readonly exitCode = 3;
  readonly diagnostics: readonly Diagnostic[];

  constructor(
    code: ErrorCode,
    message: string,
    diagnostics: readonly Diagnostic[],
    details: ErrorDetails = {},
  ) {
    super(code, message, details);
    this.diagnostics = diagnostics;
  }
}

/** Damaged or hostile bytes; `data` holds structure, offset, expected and found where they apply. */
export class FormatError extends FirmwrightError {
  readonly exitCode = 4;
}

/** A failure inside the native addon or its libraries; `data.library` holds the library's own code name. */
export class NativeError extends FirmwrightError {
  readonly exitCode = 4;
}

/** Missing tool, library, right or disk space. */
export class EnvironmentError extends FirmwrightError {
  readonly exitCode = 5;
}

/** An image that does not fit; `data` holds partition, limit, use and overBy in bytes. */
export class BudgetError extends FirmwrightError {
  readonly exitCode = 10;
}

/** An expectation of a check or scenario that failed; `data` holds step, expected, found and the replay id. */
export class ScenarioError extends FirmwrightError {
  readonly exitCode = 11;
}

/** Two builds of the same input that differ. */
export class ReproducibilityError extends FirmwrightError {
  readonly exitCode = 12;
}

/** A broken invariant: a bug of ours. */
export class InternalError extends FirmwrightError {
  readonly exitCode = 1;

  constructor(message: string, details: ErrorDetails = {}) {
    super('FW_INTERNAL', message, details);
  }
}
