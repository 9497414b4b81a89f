/** `unpack`: takes a firmware file apart, pieces and file systems, so that `repack` can put it together again. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { archiveChunks } from '../../archive/index.js';
import { FirmwrightError, UsageError } from '../../core/index.js';
import { unpackFile, walkParts } from '../../inspect/index.js';
import type { Part } from '../../inspect/index.js';
import { scanJffs2 } from '../../jffs2/index.js';
import { squashfsTree } from '../../squashfs/index.js';
import { walkTree } from '../../vfs/index.js';
import type { TreeDirectory } from '../../vfs/index.js';
import { defineCommand } from '../command.js';
import type { UnpackResultDocument } from '../documents/inspect.js';
import { descriptionName, readImage } from '../image-files.js';

/** The verb. */
export const unpack = defineCommand(
  (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'any firmware file or flash dump' })
      .option('into', { alias: 'C', type: 'string', demandOption: true, describe: 'new or empty folder' })
      .example(
        '$0 unpack firmware.bin -C parts',
        'pieces, and a tar of every file system, owners and devices kept',
      )
      .example('$0 repack parts -o new.bin', 'puts the pieces together again'),
  (args, session) => {
    const target = resolve(args.into);
    if (existsSync(target) && readdirSync(target).length > 0)
      throw new UsageError('FW_USAGE_ARGUMENT', `folder ${args.into} is not empty`, {
        hint: 'name a new folder with -C',
      });
    const bytes = readImage(args.file);
    const { document, pieces } = unpackFile(bytes);
    // Everything is written beside the target, so that a failure leaves nothing half-done.
    const staging = join(dirname(target), `.${basename(target)}.part`);
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(staging, { recursive: true });
    try {
      for (const [file, content] of pieces) writeFileSync(join(staging, file), content);
      writeFileSync(join(staging, descriptionName), `${JSON.stringify(document, null, 2)}\n`);
      const trees: UnpackResultDocument['trees'] = [];
      for (const { part } of walkParts(document.parts)) {
        const tree = readTree(bytes, part, (message) => session.warn(message));
        if (tree === undefined) continue;
        const file = `0x${part.offset.toString(16)}-${part.kind}.tar`;
        writeTar(join(staging, file), tree);
        trees.push({ file, kind: part.kind, offset: part.offset, names: [...walkTree(tree)].length });
      }
      if (existsSync(target)) rmSync(target, { recursive: true });
      renameSync(staging, target);
      const result: UnpackResultDocument = {
        schemaVersion: 1,
        folder: args.into,
        pieces: pieces.size,
        trees,
      };
      session.result(result, () =>
        [
          `${pieces.size} pieces in ${args.into}`,
          ...trees.map(({ file, names }) => `${file}: ${names} names`),
          '',
        ].join('\n'),
      );
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
    return Promise.resolve(0);
  },
);

/** Reads a file system; one that cannot be read is said, and stays a piece. */
function readTree(bytes: Uint8Array, part: Part, warn: (message: string) => void): TreeDirectory | undefined {
  const own = bytes.subarray(part.offset, part.offset + part.size);
  try {
    if (part.kind === 'squashfs') return squashfsTree(own);
    if (part.kind === 'jffs2') return scanJffs2(own).tree;
  } catch (error) {
    if (!(error instanceof FirmwrightError)) throw error;
    warn(`${part.title} at 0x${part.offset.toString(16)} stays packed: ${error.message}`);
  }
  return undefined;
}

function writeTar(path: string, tree: TreeDirectory): void {
  const descriptor = openSync(path, 'wx');
  try {
    for (const chunk of archiveChunks(tree))
      for (let at = 0; at < chunk.length;) at += writeSync(descriptor, chunk, at);
  } finally {
    closeSync(descriptor);
  }
}
