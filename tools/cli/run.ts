/**
 * Parses a command line, loads the verb it names, runs it, and turns whatever happens into an exit code.
 *
 * Everything from outside (arguments, environment, streams, the abort signal) comes in as an argument, so that tests
 * run the whole command line in their own process.
 */
import yargs from 'yargs';
import type { Argv } from 'yargs';
import { FirmwrightError, printable, printablePage, UsageError } from '../core/index.js';
import { boardCompletions } from './board-completion.js';
import type { Command, Session } from './command.js';
import { standardStream } from './input-files.js';
import { describeFailure, failureDocument, renderFailure } from './render/failure.js';
import { styleFor } from './render/style.js';
import { taskDisplay } from './render/tasks.js';
import { nameOf, usageError } from './usage-error.js';
import { groups, verbs } from './verbs.js';
import type { Verb } from './verbs.js';
import { programVersion } from './version.js';

/** A stream to print on. */
export interface Output {
  readonly isTerminal: boolean;
  readonly columns: number;
  write(text: string | Uint8Array): void;
}

/** The world of one command line. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signal: AbortSignal;
}

/**
 * Runs one command line.
 *
 * @param argv  words after the program's name
 * @returns the exit code (design of the codes: README.md "Exit codes")
 */
export async function runCommandLine(argv: readonly string[], world: World): Promise<number> {
  const json = argv.includes('--json');
  try {
    return await dispatch(argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv, world);
  } catch (thrown) {
    const failure = describeFailure(thrown, world.signal.aborted);
    if (json) world.stdout.write(`${JSON.stringify(failureDocument(failure), undefined, 2)}\n`);
    world.stderr.write(renderFailure(failure, styleFor(world.stderr.isTerminal, world.env)));
    return failure.exitCode;
  }
}

async function dispatch(words: readonly string[], world: World): Promise<number> {
  const ids = await boardCompletions(words);
  if (ids !== undefined) {
    world.stdout.write(ids.map((id) => `${id}\n`).join(''));
    return 0;
  }
  const argv = words.map((word) => (word === standardStream ? hiddenStream : word));
  const verb = findVerb(argv);
  const loaded = verb && { verb, command: await verb.load() };
  let chosen: { readonly command: Command; readonly args: Arguments } | undefined;
  let printed = '';
  const parser = yargs([...argv])
    .scriptName('firmwright')
    .usage(
      '$0 <verb> [options]\n\nPacks flash images for OpenWrt-style boards, checks the flash budget, proves boot and upgrade.',
    )
    .parserConfiguration({ 'duplicate-arguments-array': true, 'strip-dashed': false })
    .locale('en')
    .wrap(Math.min(110, world.stdout.columns))
    .version(programVersion())
    .help()
    .alias({ help: 'h' })
    .option('json', { type: 'boolean', describe: 'Print one JSON document instead of text', global: true })
    .option('quiet', { type: 'boolean', alias: 'q', describe: 'No progress and no warnings', global: true })
    .group(['json', 'quiet', 'help', 'version'], 'Common options:')
    .completion('completion', 'Print a script for shell completion: firmwright completion >>~/.bashrc')
    .demandCommand(1, 'name a verb')
    .strict()
    .exitProcess(false)
    .epilogue(
      'Exit codes: 0 good, 1 bug, 2 usage, 3 profile or recipe, 4 damaged input, 5 environment,\n' +
        '            10 does not fit, 11 a check failed, 12 not reproducible, 130 cancelled',
    )
    .fail((message: string | null, error: Error | undefined) => {
      throw error instanceof FirmwrightError ? error : new RefusedByYargs(message ?? error?.message ?? '');
    });
  addVerbs(parser, loaded, (command, args) => {
    chosen = { command, args: showStreams(args) };
  });
  // With a callback yargs hands over what it would print; errors still come through `fail`.
  try {
    await parser.parseAsync([...argv], {}, (error, _, output) => {
      if (error) throw error;
      printed = output;
    });
  } catch (error) {
    throw error instanceof RefusedByYargs ? await refusal(error.message, argv, verb, world) : error;
  }
  if (printed !== '') world.stdout.write(`${printed}\n`);
  if (chosen !== undefined) refuseNoNumber(chosen.args, argv, verb);
  // Outside the parser, which would lay out the whole help text before it waits for a handler.
  return chosen === undefined ? 0 : chosen.command.run(chosen.args, session(world, chosen.args));
}

/** Stands for `-`, which yargs takes for no value; no argument of a program can hold a zero byte. */
const hiddenStream = '\0';

function showStreams(args: Arguments): Arguments {
  const show = (value: unknown): unknown =>
    value === hiddenStream ? standardStream : Array.isArray(value) ? value.map(show) : value;
  return Object.assign(
    args,
    Object.fromEntries(Object.entries(args).map(([name, value]) => [name, show(value)])),
  );
}

/** yargs makes NaN of the word behind an option that takes a number. */
function refuseNoNumber(args: Arguments, argv: readonly string[], verb: Verb | undefined): void {
  const name = Object.keys(args).find((key) => key.length > 1 && Number.isNaN(args[key]));
  if (name === undefined) return;
  const at = argv.findIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`));
  const given = argv[at]?.split('=')[1] ?? (at < 0 ? undefined : argv[at + 1]);
  throw new UsageError(
    'FW_USAGE_ARGUMENT',
    `--${name} takes a number${given === undefined ? '' : `, not ${given}`}`,
    { hint: `firmwright ${verb === undefined ? '' : `${nameOf(verb)} `}--help` },
  );
}

interface LoadedVerb {
  readonly verb: Verb;
  readonly command: Command;
}

type Arguments = Parameters<Command['run']>[0];
type Choose = (command: Command, args: Arguments) => void;

/** Registers every verb for the help; only the loaded one brings its options. */
function addVerbs(parser: Argv, loaded: LoadedVerb | undefined, choose: Choose): void {
  const add = (target: Argv, verb: Verb, usage: string): void => {
    const command = loaded?.verb === verb ? loaded.command : undefined;
    target.command(
      usage,
      verb.describe,
      (options) => (command ? command.configure(options) : options),
      (args) => {
        if (command) choose(command, args);
      },
    );
  };
  const added = new Set<string>();
  for (const verb of verbs) {
    const [first = '', second = ''] = verb.usage.split(' ');
    if (!isWord(second)) {
      add(parser, verb, verb.usage);
    } else if (!added.has(first)) {
      added.add(first);
      const members = verbs.filter((other) => other.usage.startsWith(`${first} `));
      const names = members.map((member) => member.usage.split(' ')[1]).join('|');
      parser.command(`${first} <${names}>`, groups[first] ?? '', (options) => {
        for (const member of members) add(options, member, member.usage.slice(first.length + 1));
        return options.demandCommand(1, `name one of: ${names.replaceAll('|', ', ')}`);
      });
    }
  }
}

/** The verb that the words name, also behind `--get-yargs-completions`. */
function findVerb(argv: readonly string[]): Verb | undefined {
  const words = argv.filter((word) => isWord(word) && word !== 'firmwright');
  return verbs.find((verb) => {
    const names = verb.usage.split(' ').slice(0, 2).filter(isWord);
    return names.every((name, i) => words[i] === name);
  });
}

function isWord(text: string): boolean {
  return /^[a-z][a-z0-9-]*$/.test(text);
}

/** yargs found a fault in the command line; the message is its own. */
class RefusedByYargs extends Error {}

async function refusal(
  message: string,
  argv: readonly string[],
  verb: Verb | undefined,
  world: World,
): Promise<UsageError> {
  let help = '';
  const stdout: Output = { ...world.stdout, write: (text) => (help += text.toString()) };
  await dispatch([...(verb === undefined ? [] : nameOf(verb).split(' ')), '--help'], { ...world, stdout });
  const members = verbs.map(nameOf).filter((name) => name.startsWith(`${argv[0] ?? ''} `));
  return usageError({ message, argv, verb, help, members: members.map((name) => name.split(' ')[1] ?? '') });
}

function session(world: World, args: Readonly<Record<string, unknown>>): Session {
  const quiet = args['quiet'] === true;
  let isImagePrinted = false;
  const errorStyle = styleFor(world.stderr.isTerminal, world.env);
  return {
    signal: world.signal,
    env: world.env,
    style: styleFor(world.stdout.isTerminal, world.env),
    tasks: taskDisplay({
      isTerminal: world.stderr.isTerminal,
      quiet,
      write: (text) => {
        world.stderr.write(text);
      },
      now: () => performance.now(),
      signal: world.signal,
    }),
    result: (document, text) => {
      const output = isImagePrinted ? world.stderr : world.stdout;
      output.write(
        args['json'] === true ? `${JSON.stringify(document, undefined, 2)}\n` : printablePage(text()),
      );
    },
    writeImage: (bytes) => {
      if (world.stdout.isTerminal)
        throw new UsageError('FW_USAGE_ARGUMENT', 'an image is not printed on a terminal', {
          hint: 'redirect standard output to a file or a program',
        });
      isImagePrinted = true;
      world.stdout.write(bytes);
    },
    write: (text) => {
      world.stdout.write(text);
    },
    note: (text) => {
      world.stderr.write(printablePage(text));
    },
    fail: (error) => {
      world.stderr.write(renderFailure(describeFailure(error, false), errorStyle));
    },
    warn: (message, code) => {
      if (quiet) return;
      world.stderr.write(
        `${errorStyle.yellow('warning')}: ${printable(message)}${code === undefined ? '' : ` [${code}]`}\n`,
      );
    },
  };
}
