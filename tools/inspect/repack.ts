/**
 * Puts an unpacked file together again.
 *
 * Every piece keeps its place. An edited piece that is smaller is filled up, one that is larger may use the padding
 * behind it; end markers move to where the erase blocks behind the new end want them. Then the checksums of all
 * headers around it are rewritten. What does not fit is refused with the figures.
 */
import { BudgetError, FormatError, groupDigits } from '../core/index.js';
import { endMarker, markerOffsets, tplinkV1Table, tplinkV2Table } from '../firmware/index.js';
import { walkParts } from './part.js';
import type { Part } from './part.js';
import { sealChunk, sealPart } from './seal.js';
import { leavesOf } from './strip-map.js';
import type { Leaf } from './strip-map.js';
import { sha256 } from './unpack.js';
import type { UnpackDocument } from './unpack.js';

/** A file put together. */
export interface Repacked {
  readonly bytes: Uint8Array;
  /** Names of the pieces that differ from what was unpacked. */
  readonly edited: readonly string[];
  /** What the user should know: a signature that had to go, a fill. */
  readonly notes: readonly string[];
}

/** How to put together. */
export interface RepackOptions {
  /** Rewrite every checksum even where nothing was edited, as a test of the rules. */
  readonly resealAll?: boolean;
}

/**
 * Puts the pieces together; without edits the result is the original, byte for byte.
 *
 * @param pieces  content by the file names of the document
 * @throws FormatError FW_INSPECT_PIECE for a piece that is missing
 * @throws BudgetError FW_BUDGET_PIECE for an edited piece that is larger than its place and the padding behind it
 */
export function repackFile(
  document: UnpackDocument,
  pieces: ReadonlyMap<string, Uint8Array>,
  options: RepackOptions = {},
): Repacked {
  const bytes = new Uint8Array(document.size);
  const leaves = leavesOf(document.parts);
  const edits: { readonly leaf: Leaf; readonly content: Uint8Array; readonly file: string }[] = [];
  for (const [index, piece] of document.pieces.entries()) {
    const content = pieces.get(piece.file);
    const leaf = leaves[index];
    if (content === undefined || leaf?.offset !== piece.offset)
      throw new FormatError(
        'FW_INSPECT_PIECE',
        `piece ${piece.file} is missing or does not belong to the description`,
        {
          hint: 'unpack the image again',
          data: { structure: 'firmwright-unpack.json', offset: piece.offset, expected: piece.file },
        },
      );
    if (sha256(content) === piece.sha256) bytes.set(content, piece.offset);
    else edits.push({ leaf, content, file: piece.file });
  }
  const notes = edits.flatMap(({ leaf, content, file }) => place(bytes, leaves, leaf, content, file));
  for (const { leaf, content } of edits) correctLengths(bytes, document.parts, leaf, content.length);
  const touches = (part: Part): boolean =>
    options.resealAll === true ||
    edits.some(({ leaf }) => leaf.offset >= part.offset && leaf.offset < part.offset + part.size);
  const chunks = document.parts.filter(({ kind }) => kind === 'fwtool-chunk');
  const end = Math.min(document.size, ...chunks.map(({ offset }) => offset));
  sealAll(bytes, document.parts, end, touches, edits.length > 0 || options.resealAll === true);
  const signature = chunks.find(({ details }) => details['type'] === 'signature');
  for (const chunk of chunks) if (edits.length > 0 || options.resealAll === true) sealChunk(bytes, chunk);
  const isSignatureGone = signature !== undefined && edits.length > 0;
  return {
    bytes: isSignatureGone ? bytes.slice(0, signature.offset) : bytes,
    edited: edits.map(({ file }) => file),
    notes: isSignatureGone
      ? [...notes, 'the signature of the original was left out; sign the image again']
      : notes,
  };
}

/** Seals inner parts before outer ones. */
function sealAll(
  bytes: Uint8Array,
  parts: readonly Part[],
  end: number,
  touches: (part: Part) => boolean,
  isEdited: boolean,
): void {
  for (const part of parts) {
    sealAll(bytes, part.parts, part.offset + part.size, touches, isEdited);
    // The digest of a TP-Link header covers what follows it as well.
    const coversRest = part.kind === 'tplink-v1' || part.kind === 'tplink-v2';
    const hadDigest = part.checks.length > 0;
    if (hadDigest && (touches(part) || (coversRest && isEdited))) sealPart(bytes, part, end);
  }
}

/** Headers that repeat the length of a root file system behind them follow its new length. */
function correctLengths(bytes: Uint8Array, parts: readonly Part[], leaf: Leaf, length: number): void {
  if (leaf.part.kind !== 'squashfs') return;
  for (const { part } of walkParts(parts)) {
    if (part.details['rootfsLength'] !== leaf.size) continue;
    const field =
      part.kind === 'tplink-v1'
        ? tplinkV1Table.fields.rootfsLength
        : part.kind === 'tplink-v2'
          ? tplinkV2Table.fields.rootfsLength
          : undefined;
    field?.write(bytes.subarray(part.offset), length);
  }
}

const fillers = new Set<Part['kind']>(['padding', 'end-marker']);

/** Writes an edited piece into its place and the padding behind it. */
function place(
  bytes: Uint8Array,
  leaves: readonly Leaf[],
  leaf: Leaf,
  content: Uint8Array,
  file: string,
): string[] {
  const index = leaves.indexOf(leaf);
  const behind: Leaf[] = [];
  for (const next of leaves.slice(index + 1)) {
    if (!fillers.has(next.part.kind)) break;
    behind.push(next);
  }
  const start = leaf.offset;
  const oldEnd = start + leaf.size;
  const newEnd = start + content.length;
  const areaEnd = oldEnd + behind.reduce((sum, { size }) => sum + size, 0);
  const markers = behind.filter(({ part }) => part.kind === 'end-marker').map(({ offset }) => offset);
  const rule = markers.length > 0 ? inferMarkers(oldEnd, markers) : undefined;
  const moved = rule?.(newEnd) ?? markers;
  const [firstMarker = areaEnd] = moved;
  const lastEnd = (moved.at(-1) ?? areaEnd - endMarker.length) + endMarker.length;
  if (newEnd > areaEnd || newEnd > firstMarker || lastEnd > areaEnd) {
    const needed = Math.max(newEnd, moved.length > 0 ? lastEnd : newEnd) - start;
    throw new BudgetError(
      'FW_BUDGET_PIECE',
      `${file} does not fit: ${groupDigits(needed)} of ${groupDigits(areaEnd - start)} bytes` +
        (needed > content.length ? ' with its end markers' : '') +
        `, ${groupDigits(Math.max(needed - (areaEnd - start), newEnd - firstMarker))} over`,
      {
        hint: 'make it smaller, or build an image for the board with firmwright build',
        data: { what: file, limit: areaEnd - start, use: needed, overBy: needed - (areaEnd - start) },
      },
    );
  }
  const padding = behind.find(({ part }) => part.kind === 'padding');
  const isFileSystem = leaf.part.kind === 'squashfs' || leaf.part.kind === 'jffs2';
  const fill = padding ? (padding.part.details['byte'] === '0x00' ? 0 : 0xff) : isFileSystem ? 0xff : 0;
  bytes.set(content, start);
  bytes.fill(fill, newEnd, Math.max(newEnd, areaEnd));
  for (const offset of moved) bytes.set(endMarker, offset);
  return newEnd === oldEnd
    ? []
    : [
        `${file}: ${groupDigits(leaf.size)} bytes became ${groupDigits(content.length)}, filled up with 0x${fill.toString(16).padStart(2, '0').toUpperCase()}`,
      ];
}

const kib = 1024;
/** Sets of alignments that padding tools use. */
const alignmentSets: readonly (readonly number[])[] = [
  [64],
  [4],
  [128],
  [4, 64],
  [4, 8, 64],
  [4, 8, 64, 128],
  [4, 8, 16, 64],
  [4, 64, 128],
  [4, 8, 16, 64, 128],
  [4, 8, 16, 64, 128, 256],
  [64, 128],
  [64, 128, 256],
].map((set) => set.map((size) => size * kib));

/**
 * Finds the rule that put the markers where they are: which alignments, counted from where.
 *
 * @returns where the same rule puts them behind another end; undefined when no rule explains them
 */
function inferMarkers(end: number, markers: readonly number[]): ((end: number) => number[]) | undefined {
  for (const alignments of alignmentSets) {
    const largest = Math.max(...alignments);
    // The last marker stands on a multiple of the largest alignment, which tells the origin.
    const origin = (markers.at(-1) ?? 0) % largest;
    const rule = (at: number): number[] =>
      markerOffsets(at - origin + largest, alignments).map((offset) => offset + origin - largest);
    if (rule(end).join() === markers.join()) return rule;
  }
  return undefined;
}
