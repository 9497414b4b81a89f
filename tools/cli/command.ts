/**
 * What a verb is, and what it is given. A command file parses, calls one module function and renders; all that verbs
 * share (printing, progress, cancellation, errors) is in the session.
 */
import type { ArgumentsCamelCase, Argv } from 'yargs';
import type { FirmwrightError } from '../core/index.js';
import type { Style } from './render/style.js';
import type { TaskDisplay } from './render/tasks.js';

/** What a command may touch of the world outside. */
export interface Session {
  /** Aborted by Ctrl-C and SIGTERM; hand it to everything that takes long. */
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Colours for text on stdout, plain where they are not wanted. */
  readonly style: Style;
  /** Shows tasks on stderr while they run. */
  readonly tasks: TaskDisplay;
  /** Prints the result: the document with `--json`, the text otherwise. */
  result(document: JsonDocument, text: () => string): void;
  /** Prints text or bytes on stdout as they are. */
  write(text: string | Uint8Array): void;
  /** Prints a binary result on stdout; what `result` prints then goes to stderr. */
  writeImage(bytes: Uint8Array): void;
  /** Prints text on stderr, beside the result. */
  note(text: string): void;
  /** Prints an error on stderr where the result is printed all the same; the verb returns the exit code. */
  fail(error: FirmwrightError): void;
  /** Prints a warning on stderr, unless the user wants quiet. */
  warn(message: string, code?: string): void;
}

/** One JSON document with `--json`; the number rises when a field changes its meaning or goes away. */
export interface JsonDocument {
  readonly schemaVersion: number;
  readonly [field: string]: unknown;
}

/** A verb: its own options and its work. */
export interface Command {
  /** Adds positionals, options and examples. */
  readonly configure: (yargs: Argv) => Argv;
  /** Does the work; the exit code, 0 when nothing is returned. */
  readonly run: (args: ArgumentsCamelCase, session: Session) => Promise<number>;
}

/**
 * Makes a command whose `run` sees exactly the options that `configure` declares.
 *
 * @param run  returns an exit code other than 0 where the verb has one without an error
 */
export function defineCommand<Options>(
  configure: (yargs: Argv) => Argv<Options>,
  run: (args: ArgumentsCamelCase<Options>, session: Session) => Promise<number | undefined>,
): Command {
  return {
    configure,
    // yargs checked the arguments against `configure` before it calls this.
    run: async (args, session) => (await run(args as ArgumentsCamelCase<Options>, session)) ?? 0,
  };
}

/** One example of `--help`: what comes of the command, then the command on a line of its own, to be copied. */
export function example(command: string, what: string): [text: string, beside: string] {
  return [what === '' ? command : `# ${what}\n${command}`, ''];
}
