/** `unpack`: takes a firmware file apart, pieces and file systems, so that `build` can put it together again. */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { archiveChunks } from '../../archive/index.js';
import { parseSize, UsageError } from '../../core/index.js';
import { inspectFile, walkParts } from '../../inspect/index.js';
import type { Part } from '../../inspect/index.js';
import { walkTree } from '../../vfs/index.js';
import { cancellationPoint } from '../cancellation-point.js';
import { defineCommand, example } from '../command.js';
import type { Session } from '../command.js';
import type { UnpackResultDocument } from '../documents/inspect.js';
import { readInput, standardStream } from '../input-files.js';
import { endOfLinks, writeInPlace } from '../output-files.js';
import { readPartTree, writeTar, writeUnpackedSet } from '../unpacked/write-set.js';

/** The verb. */
export const unpack = defineCommand(
  (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'any firmware file or flash dump' })
      .option('into', {
        alias: ['C', 'o', 'out'],
        type: 'string',
        describe: 'new or empty folder for pieces, file systems and description',
      })
      .option('trees', {
        choices: ['folder', 'tar', 'none'] as const,
        default: 'folder' as const,
        describe: 'how file systems are written; a folder has its owners, modes and nodes recorded beside it',
      })
      .option('owners', {
        type: 'boolean',
        default: process.getuid?.() === 0,
        describe: 'give folders owners, device nodes and attributes too (needs root)',
      })
      .option('tar', { type: 'string', describe: 'write only the root file system, as this tar archive' })
      .option('at', {
        type: 'string',
        describe: 'with --tar: offset of the file system, as inspect shows it',
      })
      .conflicts('tar', 'into')
      .example(...example('$0 unpack firmware.bin -C parts', 'pieces, and a folder of every file system'))
      .example(...example('$0 unpack firmware.bin --tar root.tar', 'the root, owners and devices kept'))
      .example(...example('$0 build parts -o out', 'puts the pieces together again')),
  async (args, session) => {
    if (args.tar !== undefined) {
      await unpackRoot(args.file, args.tar, args.at, session);
      return 0;
    }
    if (args.into === undefined)
      throw new UsageError('FW_USAGE_ARGUMENT', 'name the folder to unpack into, or an archive with --tar', {
        hint: `firmwright unpack ${args.file} -C parts`,
      });
    const target = resolve(endOfLinks(args.into));
    if (existsSync(target) && readdirSync(target).length > 0)
      throw new UsageError('FW_USAGE_ARGUMENT', `folder ${args.into} is not empty`, {
        hint: 'name a new folder with -C',
      });
    const bytes = await readInput(args.file, session);
    const { pieces, trees } = await writeUnpackedSet(bytes, args.file, target, args, session);
    const result: UnpackResultDocument = {
      schemaVersion: 1,
      folder: args.into,
      pieces,
      trees: trees.map(({ file, form, kind, piece, names }) => ({ file, form, kind, piece, names })),
    };
    session.result(result, () =>
      [
        `${pieces} pieces in ${args.into}`,
        ...trees.map(({ file, names }) => `  ${join(args.into ?? '', file)}: ${names} names`),
        `put together again: firmwright build ${args.into} -o OUT`,
        '',
      ].join('\n'),
    );
    return 0;
  },
);

/** Writes one file system as an archive: the one named, or the largest that can be read, squashfs first. */
async function unpackRoot(
  file: string,
  target: string,
  at: string | undefined,
  session: Session,
): Promise<void> {
  const bytes = await readInput(file, session);
  const offset = at === undefined ? undefined : parseSize(at);
  if (at !== undefined && offset === undefined)
    throw new UsageError('FW_USAGE_ARGUMENT', `--at takes an offset such as 0x120000, not ${at}`);
  const systems = [...walkParts(inspectFile(bytes, { decode: false }).parts)]
    .map(({ part }) => part)
    .filter(({ kind }) => kind === 'squashfs' || kind === 'jffs2')
    .filter((part) => offset === undefined || part.offset === offset)
    .sort((a, b) => rank(b) - rank(a));
  for (const part of systems) {
    await cancellationPoint(session.signal);
    const tree = readPartTree(bytes, part, (message) => {
      session.warn(message, 'stays-packed');
    });
    if (tree === undefined) continue;
    if (target === standardStream) for (const chunk of archiveChunks(tree)) session.writeImage(chunk);
    else
      writeInPlace(target, (beside) => {
        writeTar(beside, tree);
      });
    const names = [...walkTree(tree)].length;
    session.result(
      { schemaVersion: 1, archive: target, kind: part.kind, offset: part.offset, names },
      () => `${target}: ${names} names of the ${part.title} at 0x${part.offset.toString(16)}\n`,
    );
    return;
  }
  throw new UsageError(
    'FW_USAGE_FILE',
    `${file} holds no file system that can be read${at === undefined ? '' : ` at ${at}`}`,
    { hint: `firmwright inspect ${file}` },
  );
}

const rank = ({ kind, size }: Part): number => (kind === 'squashfs' ? 2 ** 40 : 0) + size;
