/** Writes an unpacked set: the pieces of a file, its file systems as folders or archives, and the description. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { archiveChunks } from '../../archive/index.js';
import { FirmwrightError, formatSize, textOf } from '../../core/index.js';
import { unpackFile, walkParts } from '../../inspect/index.js';
import type { Part, UnpackDocument, UnpackedTree } from '../../inspect/index.js';
import { scanJffs2 } from '../../jffs2/index.js';
import { formatRecord, makeFolder, recordPathOf, recordTree, writeFolderTree } from '../../rootfs/index.js';
import { squashfsTree } from '../../squashfs/index.js';
import { walkTree } from '../../vfs/index.js';
import type { TreeDirectory } from '../../vfs/index.js';
import { cancellationPoint } from '../cancellation-point.js';
import type { Session } from '../command.js';
import { descriptionName } from '../input-files.js';
import { namedAs } from '../output-files.js';

/** How a file is unpacked. */
export interface UnpackOptions {
  /** How file systems are written. */
  readonly trees: 'folder' | 'tar' | 'none';
  /** Give folders owners, special modes, device nodes and attributes, which takes root. */
  readonly owners: boolean;
}

/** What was written. */
export interface WrittenSet {
  readonly pieces: number;
  readonly trees: readonly UnpackedTree[];
}

/**
 * Unpacks a file into a new folder; everything is written beside it first, so that a failure leaves nothing half-done.
 *
 * @param source  path of the file, for its name
 */
export async function writeUnpackedSet(
  bytes: Uint8Array,
  source: string,
  target: string,
  options: UnpackOptions,
  session: Session,
): Promise<WrittenSet> {
  const staging = join(dirname(target), `.${basename(target)}.${process.pid}.part`);
  try {
    rmSync(staging, { recursive: true, force: true });
    makeFolder(staging);
    const { document, pieces } = await session.tasks.run('inspect', () => Promise.resolve(unpackFile(bytes)));
    for (const [file, content] of pieces) writeFileSync(join(staging, file), content);
    const trees: UnpackedTree[] = [];
    for (const { part } of walkParts(document.parts)) {
      await cancellationPoint(session.signal);
      const tree =
        options.trees === 'none'
          ? undefined
          : await unpackTree(bytes, part, document, staging, options, session);
      if (tree !== undefined) trees.push(tree);
    }
    const description: UnpackDocument = { ...document, source: basename(source), trees };
    writeFileSync(join(staging, descriptionName), `${JSON.stringify(description, null, 2)}\n`);
    // Takes the place of an empty folder, and fails where another run was quicker.
    renameSync(staging, target);
    return { pieces: pieces.size, trees };
  } catch (error) {
    throw namedAs(target, staging, error);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/**
 * Reads a file system; one that cannot be read is said, and stays a piece.
 *
 * @param bytes  the whole file
 */
export function readPartTree(
  bytes: Uint8Array,
  part: Part,
  warn: (message: string) => void,
): TreeDirectory | undefined {
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

/** Writes a tree as a tar archive; gives its SHA-256. */
export function writeTar(path: string, tree: TreeDirectory): string {
  const hash = createHash('sha256');
  const descriptor = openSync(path, 'w');
  try {
    for (const chunk of archiveChunks(tree)) {
      hash.update(chunk);
      for (let at = 0; at < chunk.length;) at += writeSync(descriptor, chunk, at);
    }
  } finally {
    closeSync(descriptor);
  }
  return hash.digest('hex');
}

async function unpackTree(
  bytes: Uint8Array,
  part: Part,
  document: UnpackDocument,
  staging: string,
  { trees: form, owners }: UnpackOptions,
  session: Session,
): Promise<UnpackedTree | undefined> {
  const tree = readPartTree(bytes, part, (message) => {
    session.warn(message, 'stays-packed');
  });
  const piece = document.pieces.find(({ offset, size }) => offset === part.offset && size === part.size);
  if (tree === undefined || piece === undefined || (part.kind !== 'squashfs' && part.kind !== 'jffs2'))
    return undefined;
  const names = [...walkTree(tree)].length;
  const stem = piece.file.replace(/\.bin$/, '');
  const file = form === 'tar' ? `${stem}.tar` : stem;
  const common = { file, kind: part.kind, piece: piece.file, names };
  return session.tasks.run<UnpackedTree>(`${file}, ${names} names, ${formatSize(part.size)}`, (task) => {
    const path = join(staging, file);
    if (form === 'tar') return Promise.resolve({ ...common, form, sha256: writeTar(path, tree) });
    const record = formatRecord(recordTree(tree));
    const { notMade } = writeFolderTree(tree, path, {
      owners,
      onName: (done) => {
        task.progress(done, names, 'names');
      },
    });
    writeFileSync(recordPathOf(path), record);
    const [first, ...others] = notMade.map(textOf);
    if (first !== undefined)
      session.warn(
        `${first}${others.length > 0 ? ` and ${others.length} more` : ''}: kept in ${basename(recordPathOf(path))} only`,
        'recorded-only',
      );
    const sha256 = createHash('sha256').update(record).digest('hex');
    return Promise.resolve({ ...common, form: 'folder', sha256 });
  });
}
