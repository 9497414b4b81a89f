/** Reads an unpacked set: what was edited in its folders and archives is packed, and the pieces are put together. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArchiveTree } from '../../archive/index.js';
import { findPartition } from '../../boards/index.js';
import type { BoardProfile } from '../../boards/index.js';
import { textOf, UsageError } from '../../core/index.js';
import { packTree, repackFile, unpackDocumentSchema } from '../../inspect/index.js';
import type { Repacked, UnpackDocument, UnpackedTree } from '../../inspect/index.js';
import { recordedFolderTree, recordPathOf } from '../../rootfs/index.js';
import type { TreeChanges } from '../../rootfs/index.js';
import type { TreeDirectory } from '../../vfs/index.js';
import { cancellationPoint } from '../cancellation-point.js';
import type { Session } from '../command.js';
import { descriptionName, readImage } from '../input-files.js';
import { withTemporaryFolder } from '../temporary-folder.js';

/** A file put together from an unpacked set. */
export interface RepackedSet extends Repacked {
  /** Name of the file that was unpacked. */
  readonly source: string;
}

/** Says whether a path is a folder that `unpack` made. */
export function isUnpackedSet(path: string): boolean {
  return existsSync(join(path, descriptionName));
}

/**
 * Puts an unpacked set together.
 *
 * @param profile  board up to whose partition the file may grow; without one it keeps its size
 * @throws UsageError FW_USAGE_FILE for a folder that is no unpacked set; what packing and `repackFile` throw
 */
export async function repackSet(
  folder: string,
  profile: BoardProfile | undefined,
  session: Session,
): Promise<RepackedSet> {
  const document = readDescription(folder);
  const pieces = new Map(document.pieces.map(({ file }) => [file, readImage(join(folder, file))]));
  for (const tree of document.trees) {
    const packed = await packIfEdited(folder, document, tree, pieces, session);
    if (packed !== undefined) pieces.set(tree.piece, packed);
  }
  const growth = profile && growthOf(profile);
  const repacked = repackFile(document, pieces, growth === undefined ? {} : { growth });
  await cancellationPoint(session.signal);
  return { ...repacked, source: document.source ?? 'firmware.bin' };
}

function growthOf(profile: BoardProfile): { unit: number; limit: number; what: string } {
  const partition = findPartition(profile, 'firmware');
  const limit = profile.imageSize ?? partition?.size ?? profile.flash.size;
  return { unit: profile.flash.eraseSize, limit, what: `the firmware partition of ${profile.id}` };
}

/** Packs a file system whose folder or archive was edited. */
async function packIfEdited(
  folder: string,
  document: UnpackDocument,
  tree: UnpackedTree,
  pieces: ReadonlyMap<string, Uint8Array>,
  session: Session,
): Promise<Uint8Array | undefined> {
  const path = join(folder, tree.file);
  // A user who has no use for the tree may have removed it; the piece still holds it.
  if (!existsSync(path)) return undefined;
  const original = pieces.get(tree.piece) ?? new Uint8Array(0);
  const listed = document.pieces.find(({ file }) => file === tree.piece);
  const isPieceEdited = listed !== undefined && hashOf(original) !== listed.sha256;
  return withTemporaryFolder(async (spool) => {
    const root =
      tree.form === 'tar' ? await editedTar(path, tree, spool, session) : editedFolder(path, tree, session);
    if (root === undefined) return undefined;
    if (isPieceEdited)
      throw new UsageError(
        'FW_USAGE_FILE',
        `both ${tree.file} and ${tree.piece} were edited; which one is meant?`,
        {
          hint: `remove ${path} to take the piece, or unpack again to get the piece back`,
        },
      );
    return await session.tasks.run(`pack ${tree.file}`, (task) =>
      packTree(root, tree.kind, original, {
        signal: session.signal,
        onProgress: (done, total) => {
          task.progress(done, total);
        },
      }),
    );
  });
}

async function editedTar(
  path: string,
  tree: UnpackedTree,
  spool: string,
  session: Session,
): Promise<TreeDirectory | undefined> {
  if (hashOf(readFileSync(path)) === tree.sha256) return undefined;
  const { root, warnings } = await readArchiveTree(path, join(spool, 'contents'), { signal: session.signal });
  for (const warning of warnings) session.warn(warning, 'not-archived-whole');
  return root;
}

function editedFolder(path: string, tree: UnpackedTree, session: Session): TreeDirectory | undefined {
  const epoch = session.env['SOURCE_DATE_EPOCH'];
  const mtimeNs = epoch === undefined || epoch === '' ? undefined : BigInt(epoch) * 1_000_000_000n;
  const { root, changes, warnings } = recordedFolderTree(path, mtimeNs);
  for (const { code, message } of warnings) session.warn(message, code);
  const isRecordEdited = hashOf(readFileSync(recordPathOf(path))) !== tree.sha256;
  const { added, removed, changed } = changes;
  if (!isRecordEdited && added.length + removed.length + changed.length === 0) return undefined;
  for (const line of describeChanges(tree.file, changes, isRecordEdited)) session.note(`${line}\n`);
  return root;
}

const shownNames = 5;

/** One line a kind of change, with the first names. */
function describeChanges(file: string, changes: TreeChanges, isRecordEdited: boolean): string[] {
  const lines = (['added', 'removed', 'changed'] as const).flatMap((kind) => {
    const names = changes[kind].map(textOf);
    if (names.length === 0) return [];
    const more = names.length > shownNames ? ` and ${names.length - shownNames} more` : '';
    return [`${file}: ${kind} ${names.slice(0, shownNames).join(', ')}${more}`];
  });
  return isRecordEdited ? [...lines, `${file}: its record of owners and modes was edited`] : lines;
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

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
    { hint: 'unpack the image again' },
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
