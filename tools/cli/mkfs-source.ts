/** What the verbs that write one file system share: their source, their image, their time. */
import type { ArgumentsCamelCase, Argv } from 'yargs';
import { assembleRootTree, detectRootSource } from '../rootfs/index.js';
import type { TreeDirectory } from '../vfs/index.js';
import type { Session } from './command.js';
import { sourceDateEpoch } from './option-values.js';
import { withTemporaryFolder } from './temporary-folder.js';

/** The options, as they are declared. */
export interface MkfsOptions {
  readonly source: string;
  readonly image: string;
  readonly 'keep-attributes': boolean;
  readonly 'source-date-epoch': number | undefined;
}

/**
 * Adds the options to a command.
 *
 * @param time  what the build time becomes in the image
 */
export function withMkfsOptions<T>(yargs: Argv<T>, time: string): Argv<T & MkfsOptions> {
  return yargs
    .positional('source', {
      type: 'string',
      demandOption: true,
      describe: 'folder, archive or squashfs image',
    })
    .positional('image', {
      type: 'string',
      demandOption: true,
      describe: 'file to write, - for standard output',
    })
    .option('keep-attributes', {
      type: 'boolean',
      default: false,
      describe: 'owners and modes of a folder as on the host',
    })
    .option('source-date-epoch', {
      type: 'number',
      describe: `${time}; else SOURCE_DATE_EPOCH, else 0`,
    });
}

/** An image that was written: figures for `--json`, a line for people. */
export interface WrittenImage {
  readonly figures: Readonly<Record<string, unknown>>;
  readonly line: string;
}

/**
 * Reads the source into a tree, has it written, says so, and lets the tree go.
 *
 * @returns the exit code
 */
export async function writeFromSource(
  args: ArgumentsCamelCase<MkfsOptions>,
  session: Session,
  write: (root: TreeDirectory, epoch: number) => Promise<WrittenImage>,
): Promise<number> {
  const epoch = sourceDateEpoch(args.sourceDateEpoch, session) ?? 0;
  const source = detectRootSource(args.source);
  return withTemporaryFolder(async (temporaryFolder) => {
    using tree = await assembleRootTree(
      [source.kind === 'folder' && args.keepAttributes ? { ...source, attributes: 'keep' } : source],
      { temporaryFolder, sourceDateEpoch: epoch, hashInputs: false, signal: session.signal },
    );
    for (const { code, message } of tree.warnings) session.warn(message, code);
    const { figures, line } = await write(tree.root, epoch);
    session.result({ schemaVersion: 1, image: args.image, ...figures }, () => `${args.image}: ${line}\n`);
    return 0;
  });
}
