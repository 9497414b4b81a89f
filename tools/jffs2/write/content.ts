/**
 * Cuts file contents into pages and compresses them ahead of their being placed, many at a time.
 */
import { EnvironmentError, textOf } from '../../core/index.js';
import { compressPages, pageOf } from '../compression/pages.js';
import type { Compression, StoredData } from '../compression/compression.js';
import type { WriteStep } from './plan.js';

/** One page of a file, and what it (or as much of it as a compressor takes) compresses to. */
export interface Page {
  /** Where it starts in the file. */
  readonly offset: number;
  /** A view that stays valid. */
  readonly bytes: Uint8Array;
  readonly isZero: boolean;
  readonly stored: StoredData;
}

type FileStep = Extract<WriteStep, { kind: 'file' }>;

/** A step, files with pages. `isEnd` tells the last pages of a file: large files come in pieces. */
export type ReadyStep =
  | Exclude<WriteStep, FileStep>
  | {
      readonly kind: 'pages';
      readonly file: FileStep;
      readonly pages: readonly Page[];
      readonly isEnd: boolean;
    };

/** Content that is read and compressed in one go; bounds the memory that a large tree takes. */
const BATCH_SIZE = 4 << 20;

interface Piece {
  readonly file: FileStep;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly isEnd: boolean;
}

/** Adds the pages to the files of a plan; the order of the steps stays. */
export function* withPages(
  steps: Iterable<WriteStep>,
  pageSize: number,
  compression: Compression,
): Generator<ReadyStep> {
  let batch: (Exclude<WriteStep, FileStep> | Piece)[] = [];
  let batchSize = 0;
  for (const step of steps) {
    if (step.kind !== 'file') {
      batch.push(step);
      continue;
    }
    for (const piece of pieces(step, pageSize)) {
      batch.push(piece);
      batchSize += piece.bytes.length;
      if (batchSize < BATCH_SIZE) continue;
      yield* readyBatch(batch, pageSize, compression);
      batch = [];
      batchSize = 0;
    }
  }
  yield* readyBatch(batch, pageSize, compression);
}

/** Reads a file in pieces of whole pages; an empty file is one empty piece. */
function* pieces(file: FileStep, pageSize: number): Generator<Piece> {
  const { size } = file.content;
  const pieceSize = Math.ceil(BATCH_SIZE / pageSize) * pageSize;
  let offset = 0;
  do {
    const bytes = readFully(file, offset, Math.min(pieceSize, size - offset));
    yield { file, offset, bytes, isEnd: offset + bytes.length >= size };
    offset += bytes.length;
  } while (offset < size);
}

function readFully(file: FileStep, offset: number, length: number): Uint8Array {
  const bytes = file.content.read(offset, length);
  if (bytes.length === length) return bytes;
  const path = textOf(file.path);
  throw new EnvironmentError(
    'FW_JFFS2_CHANGED',
    `${path} became shorter while it was packed: ${offset + bytes.length} of ${file.content.size} bytes`,
    { data: { path, expected: file.content.size, found: offset + bytes.length } },
  );
}

function* readyBatch(
  batch: readonly (Exclude<WriteStep, FileStep> | Piece)[],
  pageSize: number,
  compression: Compression,
): Generator<ReadyStep> {
  const { input, ends } = join(batch, pageSize);
  const stored = compressPages(input, ends, compression);
  let next = 0;
  for (const item of batch) {
    if ('kind' in item) {
      yield item;
      continue;
    }
    const ready: Page[] = [];
    for (let at = 0; at < item.bytes.length; at += pageSize, next += 1) {
      const bytes = pageOf(input, ends, next);
      const data = stored[next];
      if (data) ready.push({ offset: item.offset + at, bytes, isZero: isZero(bytes), stored: data });
    }
    yield { kind: 'pages', file: item.file, pages: ready, isEnd: item.isEnd };
  }
}

/** Puts the pieces one behind the other, and notes where each page ends. */
function join(
  batch: readonly (Exclude<WriteStep, FileStep> | Piece)[],
  pageSize: number,
): { readonly input: Uint8Array; readonly ends: Uint32Array } {
  const pieces = batch.filter((item): item is Piece => !('kind' in item));
  const input = new Uint8Array(pieces.reduce((sum, { bytes }) => sum + bytes.length, 0));
  const ends: number[] = [];
  let start = 0;
  for (const { bytes } of pieces) {
    input.set(bytes, start);
    for (let at = 0; at < bytes.length; at += pageSize)
      ends.push(start + Math.min(at + pageSize, bytes.length));
    start += bytes.length;
  }
  return { input, ends: Uint32Array.from(ends) };
}

function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}
