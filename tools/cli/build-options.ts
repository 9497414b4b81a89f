/** Options that `build` and `budget RECIPE` share, and what becomes of them. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Argv } from 'yargs';
import type { BoardProfile } from '../boards/index.js';
import { loadRecipe, planBuild } from '../build/index.js';
import type { BuildPlan, ExecuteOptions, LoaderChoice } from '../build/index.js';
import { nearest, UsageError } from '../core/index.js';
import { detectRootSource } from '../rootfs/index.js';
import { boardIds, loadBoard } from './board-profiles.js';
import type { Session } from './command.js';
import { readText } from './input-files.js';
import { checkJobs, sourceDateEpoch } from './option-values.js';
import { programVersion } from './version.js';

/** What the options are, as yargs gives them. */
export interface BuildArguments {
  readonly board: readonly string[];
  readonly rootfs?: string | undefined;
  readonly kernel: readonly string[];
  readonly loader: readonly string[];
  readonly files: readonly string[];
  readonly jobs?: number | undefined;
  readonly sourceDateEpoch?: number | undefined;
  readonly cache: boolean;
}

/** Adds the options to a command. */
export function withBuildOptions<T>(yargs: Argv<T>): Argv<T & BuildArguments> {
  return yargs
    .option('board', {
      alias: 'b',
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'board id (firmwright boards) or profile file; several build several images',
    })
    .option('rootfs', {
      type: 'string',
      describe: 'folder, tar or squashfs to take instead of the sources and the table of the recipe',
    })
    .option('kernel', {
      type: 'string',
      array: true,
      default: [] as string[],
      describe:
        'kernel FILE for all boards, or BOARD=FILE for one: raw, half-made, finished, or an image with one',
    })
    .option('loader', {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'file that a step takes besides: FILE, STEP=FILE, BOARD=FILE or BOARD:STEP=FILE',
    })
    .option('files', {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'folder to lay over the root tree',
    })
    .option('jobs', {
      alias: 'j',
      type: 'number',
      describe: 'compressor threads; the bytes do not depend on them',
    })
    .option('source-date-epoch', {
      type: 'number',
      describe: 'build time in seconds; else SOURCE_DATE_EPOCH, else the date of the recipe',
    })
    .option('cache', {
      type: 'boolean',
      default: true,
      describe: 'share packed squashfs images between builds (--no-cache: pack anew)',
    })
    .group(['board', 'rootfs', 'kernel', 'loader', 'files', 'source-date-epoch'], 'What goes in:')
    .group(['jobs', 'cache'], 'How it is packed:');
}

/** Reads recipe and profiles and plans the build. */
export function planFrom(
  recipePath: string,
  args: BuildArguments,
  session: Session,
): { readonly plan: BuildPlan; readonly profiles: readonly BoardProfile[] } {
  checkJobs(args.jobs);
  const recipe = loadRecipe(readText(recipePath, 'a recipe'), recipePath);
  const profiles = args.board.map(loadBoard);
  const named = new Map<string, string>();
  let common: string | undefined;
  for (const word of args.kernel) {
    const [, board, file] = /^([^=/]+)=(.+)$/.exec(word) ?? [];
    if (board !== undefined && file !== undefined && isBoard(board, profiles))
      named.set(board, resolve(file));
    else if (board !== undefined && !existsSync(word)) throw unknownBoard(word, board, profiles);
    else common = resolve(word);
  }
  const plan = planBuild(recipe, profiles, {
    rootfs: args.rootfs,
    kernel: common,
    kernels: Object.fromEntries(named),
    loaders: args.loader.map((word) => loaderChoice(word, profiles)),
    files: args.files.map((path) => resolve(path)),
    sourceDateEpoch: sourceDateEpoch(args.sourceDateEpoch, session),
    detect: detectRootSource,
  });
  return { plan, profiles };
}

/** How a build runs, from the options and the session. */
export function executeOptions(
  args: BuildArguments,
  session: Session,
): Omit<ExecuteOptions, 'outputFolder' | 'signingKey'> {
  return {
    cacheFolder: cacheFolder(args, session),
    workers: args.jobs,
    signal: session.signal,
    tasks: session.tasks,
    warn: (message, code) => {
      session.warn(message, code);
    },
    programVersion: programVersion(),
  };
}

/** Reads `FILE`, `STEP=FILE`, `BOARD=FILE` and `BOARD:STEP=FILE`. */
function loaderChoice(word: string, profiles: readonly BoardProfile[]): LoaderChoice {
  const [, left, file] = /^([^=/]+)=(.+)$/.exec(word) ?? [];
  if (left === undefined || file === undefined) return { path: resolve(word) };
  const [board, step] = left.split(':');
  if (step !== undefined) return { board, step, path: resolve(file) };
  return isBoard(left, profiles) ? { board: left, path: resolve(file) } : { step: left, path: resolve(file) };
}

/** What looks like BOARD=FILE, is no file, and names no board. */
function unknownBoard(word: string, board: string, profiles: readonly BoardProfile[]): UsageError {
  const ids = [...new Set([...profiles.map(({ id }) => id), ...boardIds()])];
  const near = nearest(board, ids);
  return new UsageError('FW_USAGE_BOARD', `--kernel ${word}: no board is called ${board}`, {
    hint: near.length === 0 ? 'firmwright boards list' : `did you mean ${near.join(' or ')}?`,
  });
}

function isBoard(id: string, profiles: readonly BoardProfile[]): boolean {
  return profiles.some((profile) => profile.id === id) || boardIds().includes(id);
}

/** Folder of packed images that builds share: below XDG_CACHE_HOME, else ~/.cache. */
function cacheFolder(args: BuildArguments, { env }: Session): string | undefined {
  if (!args.cache) return undefined;
  const base = env['XDG_CACHE_HOME'];
  return join(
    base !== undefined && base !== '' ? base : join(env['HOME'] ?? homedir(), '.cache'),
    'firmwright',
    'squashfs',
  );
}
