/** What is wrong with a command line, in our words: yargs says what it found, here is added what would be right. */
import { nearest, UsageError } from '../core/index.js';
import { verbs } from './verbs.js';
import type { Verb } from './verbs.js';

/** A command line that yargs refused. */
export interface RefusedLine {
  /** The sentence of yargs. */
  readonly message: string;
  readonly argv: readonly string[];
  /** The verb that the line names, when there is one. */
  readonly verb: Verb | undefined;
  /** Second words of the verb in two words that the line begins, such as squashfs and jffs2 of `mkfs`. */
  readonly members: readonly string[];
  /** Help text of the verb. */
  readonly help: string;
}

/** Makes the error for a command line that yargs refused. */
export function usageError({ message, argv, verb, members, help }: RefusedLine): UsageError {
  const name = verb === undefined ? '' : nameOf(verb);
  const [first = '', second] = argv;
  const error = (text: string, hint = `firmwright ${name === '' ? '' : `${name} `}--help`): UsageError =>
    new UsageError('FW_USAGE_ARGUMENT', text, { hint });

  if (verb === undefined && members.length > 0)
    return error(
      second === undefined || second.startsWith('-')
        ? `${first} needs one of ${members.join(', ')}`
        : `${first} has no ${second}, expected one of ${members.join(', ')}`,
      `firmwright ${first} --help`,
    );
  if (verb === undefined && message.startsWith('Unknown argument') && !first.startsWith('-'))
    return error(`there is no verb ${first}`, didYouMean(nearest(first, verbs.map(nameOf))));
  const word = (text: string): string => (argv.some((given) => isOption(given, text)) ? `--${text}` : text);
  const [, unknown] = /^Unknown arguments?: ([^,]*)/.exec(message) ?? [];
  if (unknown !== undefined) {
    if (word(unknown) === unknown)
      return error(`${name} takes no further word: ${unknown}`, `firmwright ${verb?.usage ?? '--help'}`);
    const known = [...help.matchAll(/--([a-z][a-z0-9-]+)/g)].map(([, option = '']) => option);
    if (unknown.length === 1) return error(`${name} has no option -${unknown}`);
    const near = nearest(unknown, [...new Set(known)]).map((option) => `--${option}`);
    return error(`${name === '' ? 'firmwright' : name} has no option --${unknown}`, didYouMean(near));
  }
  const [, missing] = /^Missing required arguments?: (.*)$/.exec(message) ?? [];
  if (missing !== undefined) return error(`${name} needs --${missing.replaceAll(', ', ', --')}`);
  if (message.startsWith('Not enough non-option') && verb !== undefined)
    return error(`${name} needs ${verb.usage.slice(name.length + 1)}`);
  const [, valueless] = /^Not enough arguments following: (.*)$/.exec(message) ?? [];
  if (valueless !== undefined) return error(`--${valueless} takes a value`);
  const [, option = '', given, choices] = /Argument: (.*), Given: (.*), Choices: (.*)$/m.exec(message) ?? [];
  if (given !== undefined)
    return error(`${word(option)} is ${given}, expected one of ${choices ?? ''}`.replaceAll('"', ''));
  return error(message.split('\n').join('; '));
}

/** The words that call a verb, such as `mkfs jffs2`. */
export function nameOf(verb: Verb): string {
  return verb.usage
    .split(' ')
    .slice(0, 2)
    .filter((word) => /^[a-z]/.test(word))
    .join(' ');
}

function didYouMean(near: readonly string[]): string | undefined {
  return near.length === 0 ? undefined : `did you mean ${near.join(' or ')}?`;
}

function isOption(given: string, name: string): boolean {
  return given === `-${name}` || given === `--${name}` || given.startsWith(`--${name}=`);
}
