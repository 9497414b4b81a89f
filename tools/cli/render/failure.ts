/** How a failure is told: code, message, hint; the exit code; the same as JSON. */
import {
  FirmwrightError,
  InternalError,
  printable,
  ProfileError,
  systemError,
  UsageError,
} from '../../core/index.js';
import type { Diagnostic } from '../../core/index.js';
import type { Style } from './style.js';

/** Exit code after Ctrl-C, as shells count it: 128 + SIGINT. */
const cancelledExitCode = 130;

/** A failure, ready to be printed. */
export interface Failure {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Describes anything thrown; what no one expected is reported as a bug, with its stack in the data. */
export function describeFailure(thrown: unknown, cancelled: boolean): Failure {
  if (cancelled && isAbort(thrown)) {
    return {
      exitCode: cancelledExitCode,
      code: 'FW_CANCELLED',
      message: 'cancelled; nothing was left half-written',
      hint: undefined,
      data: {},
      diagnostics: [],
    };
  }
  const error = asFirmwrightError(thrown);
  return {
    exitCode: error.exitCode,
    code: error.code,
    message: printable(error.message.replaceAll('\n', ' ')),
    hint: error.hint === undefined ? undefined : printable(error.hint),
    data: error.data,
    diagnostics: error instanceof ProfileError ? error.diagnostics : [],
  };
}

/** Renders diagnostics as compilers do, one line each and a line for every note. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], style: Style): string {
  return diagnostics
    .map(({ severity, code, message, file, line, column, notes = [] }) => {
      const word = severity === 'error' ? style.red('error') : style.yellow('warning');
      const place = style.bold(`${file}:${line}:${column}`);
      return `${place}: ${word}: ${printable(message)} [${code}]\n${notes.map((note) => `  note: ${printable(note)}\n`).join('')}`;
    })
    .join('');
}

/** Renders a failure as lines for stderr. */
export function renderFailure(failure: Failure, style: Style): string {
  const hint = failure.hint === undefined ? '' : `${style.cyan('hint')}: ${failure.hint}\n`;
  return (
    renderDiagnostics(failure.diagnostics, style) +
    `${style.red('error')}: ${failure.message} [${failure.code}]\n${hint}`
  );
}

/** The failure as the document that `--json` prints. */
export function failureDocument(failure: Failure): Record<string, unknown> {
  const { exitCode, code, message, hint, data, diagnostics } = failure;
  return {
    schemaVersion: 1,
    error: { code, exitCode, message, ...(hint === undefined ? {} : { hint }), data, diagnostics },
  };
}

function isAbort(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error.name === 'AbortError' || ('code' in error && error.code === 'ABORT_ERR')) return true;
  }
  return false;
}

function asFirmwrightError(thrown: unknown): FirmwrightError {
  if (thrown instanceof FirmwrightError) return thrown;
  if (thrown instanceof Error && 'syscall' in thrown && 'code' in thrown) return fromSystem(thrown);
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  return new InternalError(thrown instanceof Error ? thrown.message : String(thrown), {
    hint: 'this is a bug of Firmwright; please report it with the command line and --json output',
    data: { stack },
    cause: thrown,
  });
}

/** An error that node:fs threw, in words of ours. */
function fromSystem(error: Error & { code?: unknown; path?: unknown }): FirmwrightError {
  const path = typeof error.path === 'string' ? error.path : 'a file';
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EISDIR':
      return new UsageError('FW_USAGE_FILE', `${path} ${fileFaults[error.code]}`, {
        hint: 'check the path on the command line or in the recipe',
        data: { errno: error.code, path },
        cause: error,
      });
    default:
      return systemError(String(error.code), messageOf(error, path), { data: { path }, cause: error });
  }
}

function messageOf(error: Error & { code?: unknown }, path: string): string {
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `no right to use ${path} (${error.code})`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `no space left for ${path}`;
    default:
      return error.message;
  }
}

const fileFaults = {
  ENOENT: 'is not there',
  ENOTDIR: 'has a file where a folder is expected',
  EISDIR: 'is a folder where a file is expected',
};
