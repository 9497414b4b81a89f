/** `repack`: puts together what `unpack` took apart, with the checksums of edited parts rewritten. */
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../core/index.js';
import { repackFile, unpackDocumentSchema } from '../../inspect/index.js';
import type { UnpackDocument } from '../../inspect/index.js';
import { defineCommand } from '../command.js';
import type { RepackResultDocument } from '../documents/inspect.js';
import { descriptionName, readImage } from '../image-files.js';

/** The verb. */
export const repack = defineCommand(
  (yargs) =>
    yargs
      .positional('folder', { type: 'string', demandOption: true, describe: 'folder that unpack made' })
      .option('output', { alias: 'o', type: 'string', demandOption: true, describe: 'image to write' })
      .example('$0 repack parts -o new.bin', 'byte-identical when nothing was edited'),
  (args, session) => {
    const document = readDescription(args.folder);
    const pieces = new Map(document.pieces.map(({ file }) => [file, readImage(join(args.folder, file))]));
    const { bytes, edited, notes } = repackFile(document, pieces);
    const beside = `${args.output}.part`;
    writeFileSync(beside, bytes);
    renameSync(beside, args.output);
    for (const note of notes) session.warn(note);
    const result: RepackResultDocument = {
      schemaVersion: 1,
      image: args.output,
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      edited: [...edited],
      notes: [...notes],
    };
    session.result(result, () =>
      edited.length === 0
        ? `${args.output}: ${bytes.length} bytes, identical to the original\n`
        : `${args.output}: ${bytes.length} bytes, edited ${edited.join(', ')}\n`,
    );
    return Promise.resolve(0);
  },
);

function readDescription(folder: string): UnpackDocument {
  const path = join(folder, descriptionName);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError('FW_USAGE_FILE', `${folder} has no ${descriptionName}`, {
      hint: 'give the folder that firmwright unpack made',
      cause,
    });
  }
  const parsed = unpackDocumentSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(
    'FW_USAGE_FILE',
    `${path} is damaged: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    {
      hint: 'unpack the image again',
    },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
