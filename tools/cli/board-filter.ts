/** Which boards `boards list` shows: by target, flash, byte order and words of the name. */
import type { Argv } from 'yargs';
import type { BoardProfile } from '../boards/index.js';
import { formatSize, parseSize, UsageError } from '../core/index.js';

/** What the options are, as yargs gives them. */
export interface BoardFilterArguments {
  readonly target?: string | undefined;
  readonly flash: readonly string[];
  readonly endian?: 'big' | 'little' | undefined;
  readonly arch?: string | undefined;
}

/** Adds the options to a command. */
export function withBoardFilters<T>(yargs: Argv<T>): Argv<T & BoardFilterArguments> {
  return yargs
    .option('target', { type: 'string', describe: 'list: target, or target/subtarget' })
    .option('flash', {
      type: 'string',
      array: true,
      default: [] as string[],
      describe:
        'list: size of the flash (16m), a range (8m.., ..8m, 4m..16m), nor or nand; all given must hold',
    })
    .option('endian', {
      choices: ['big', 'little'] as const,
      alias: 'endianness',
      describe: 'list: byte order of the CPU, and so of JFFS2',
    })
    .option('arch', { type: 'string', describe: 'list: start of the architecture, such as mipsel' });
}

/**
 * Keeps the boards that all filters and all words hold for.
 *
 * @param words  each must stand in the id or the name, in any case
 * @throws UsageError FW_USAGE_ARGUMENT for a flash filter that is neither size, range nor kind
 */
export function filterBoards(
  boards: readonly BoardProfile[],
  words: readonly string[],
  { target, flash, endian, arch }: BoardFilterArguments,
): BoardProfile[] {
  const flashes = flash.map(flashFilter);
  return boards.filter(
    (board) =>
      (target === undefined || board.target === target || board.target.startsWith(`${target}/`)) &&
      (endian === undefined || board.endianness === endian) &&
      (arch === undefined || board.arch.startsWith(arch)) &&
      flashes.every((holds) => holds(board)) &&
      words.every((word) => `${board.id} ${board.name}`.toLowerCase().includes(word.toLowerCase())),
  );
}

/** The values that filters can have, for a list that came out empty. */
export function knownValues(boards: readonly BoardProfile[]): string {
  const sorted = <T>(values: Iterable<T>): T[] => [...new Set(values)];
  const targets = sorted(boards.map(({ target }) => target.split('/')[0] ?? '')).sort();
  const sizes = sorted(boards.map(({ flash }) => flash.size)).sort((a, b) => a - b);
  return `targets: ${targets.join(', ')}; flash: ${sizes.map(formatSize).join(', ')}`;
}

function flashFilter(text: string): (board: BoardProfile) => boolean {
  if (text === 'nor' || text === 'nand') return ({ flash }) => flash.kind === text;
  const [from = '', to] = text.split('..');
  const least = from === '' ? 0 : parseSize(from);
  const most = to === undefined ? least : to === '' ? Number.MAX_SAFE_INTEGER : parseSize(to);
  if (least === undefined || most === undefined || text === '' || text === '..')
    throw new UsageError('FW_USAGE_ARGUMENT', `--flash takes a size, a range, nor or nand, not ${text}`, {
      hint: 'such as --flash 16m, --flash 8m..16m, --flash nor',
    });
  return ({ flash }) => flash.size >= least && flash.size <= most;
}
