/** The words of the shell that stand for operations of a user. */
import { ScenarioError } from '../../core/index.js';
import type { UserOperation } from '../device/user-operations.js';

/** A command as typed: its name, its options of one letter, and its operands. */
export interface TypedCommand {
  readonly name: string;
  readonly flags: ReadonlySet<string>;
  readonly operands: readonly string[];
}

/** Fewest operands of each command that has any. */
const operandCounts: Readonly<Record<string, number>> = {
  cat: 1,
  write: 1,
  append: 1,
  rm: 1,
  mv: 2,
  mkdir: 1,
  chmod: 2,
  ln: 2,
  fill: 1,
  which: 1,
  button: 1,
};

/** Takes words apart. @throws ScenarioError FW_EMULATOR_COMMAND when operands are missing */
export function typedCommand(words: readonly string[]): TypedCommand {
  const [name = '', ...args] = words;
  const flags = new Set(args.filter((word) => /^-[a-zA-Z]$/.test(word)));
  const operands = args.filter((word) => !flags.has(word));
  const count = operandCounts[name] ?? 0;
  if (operands.length < count)
    throw badCommand(
      `${name}: expected ${count} ${count === 1 ? 'operand' : 'operands'}, found ${operands.length}`,
    );
  return { name, flags, operands };
}

/** Reads a command as an operation; undefined when it is another command. @throws ScenarioError FW_EMULATOR_COMMAND */
export function operationOfCommand({ name, flags, operands }: TypedCommand): UserOperation | undefined {
  const [first = '/', second = '', ...rest] = operands;
  const data = Buffer.from(`${[second, ...rest].join(' ')}\n`);
  switch (name) {
    case 'write':
    case 'append':
      return { kind: name, path: first, data };
    case 'rm':
      return { kind: name, path: first, recursive: flags.has('-r') };
    case 'mv':
      return { kind: name, from: first, to: second };
    case 'mkdir':
      return { kind: name, path: first, parents: true };
    case 'chmod':
      if (!/^[0-7]{1,4}$/.test(first)) throw badCommand(`chmod: expected an octal mode, found ${first}`);
      return { kind: name, path: second, mode: Number.parseInt(first, 8) };
    case 'ln':
      return { kind: name, target: first, path: second, symbolic: flags.has('-s') };
    default:
      return undefined;
  }
}

/** An error in what was typed. */
export function badCommand(message: string): ScenarioError {
  return new ScenarioError('FW_EMULATOR_COMMAND', message, { hint: 'type help' });
}
