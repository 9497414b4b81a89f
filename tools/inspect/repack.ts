/**
 * Puts an unpacked file together again.
 *
 * Every piece keeps its place. An edited piece that is smaller is filled up, one that is larger may use the padding
 * behind it; end markers move to where the erase blocks behind the new end want them. Where that is not enough and growing
 * is allowed, room is made behind it (grow.ts). Then lengths and checksums of all headers around it are rewritten. What
 * does not fit is refused with the figures.
 */
import { BudgetError, FormatError, groupDigits, roundUp } from '../core/index.js';
import { endMarker, tplinkV1Table, tplinkV2Table } from '../firmware/index.js';
import { inferMarkers } from './end-markers.js';
import { growContainer, insertRoom, partsAround } from './grow.js';
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
  /** What the user should know: a signature that had to go, a fill, a growth. */
  readonly notes: readonly string[];
}

/** How to put together. */
export interface RepackOptions {
  /** Rewrite every checksum even where nothing was edited, as a test of the rules. */
  readonly resealAll?: boolean;
  /** Lets the file grow beyond its original. */
  readonly growth?: {
    /** What stands behind moves by multiples of this, the erase block of the flash. */
    readonly unit: number;
    /** Most bytes of the file without its metadata. */
    readonly limit: number;
    /** What has that limit, for the message. */
    readonly what: string;
  };
}

interface Edit {
  readonly file: string;
  readonly content: Uint8Array;
  /** Where the piece starts; moves when room is made in front of it. */
  readonly offset: number;
}

/** A file on its way: contents in order, what they are, and the edits that are still to be made. */
interface Layout {
  readonly size: number;
  readonly parts: readonly Part[];
  readonly contents: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
  readonly edits: readonly Edit[];
}

/**
 * Puts the pieces together; without edits the result is the original, byte for byte.
 *
 * @param pieces  content by the file names of the document
 * @throws FormatError FW_INSPECT_PIECE for a piece that is missing
 * @throws BudgetError FW_BUDGET_PIECE for an edited piece that is larger than its place, the padding behind it, and the
 *   growth that is allowed
 */
export function repackFile(
  document: UnpackDocument,
  pieces: ReadonlyMap<string, Uint8Array>,
  options: RepackOptions = {},
): Repacked {
  let layout = layOut(document, pieces);
  const edited = layout.edits.map(({ file }) => file);
  const notes: string[] = [];
  const growths: ((bytes: Uint8Array) => void)[] = [];
  for (let index = 0; index < layout.edits.length; index += 1) {
    const step = makeRoom(layout, index, options);
    layout = step.layout;
    notes.push(...step.notes);
    growths.push(...step.growths);
  }
  const bytes = new Uint8Array(layout.size).fill(0xff);
  for (const { offset, bytes: content } of layout.contents) bytes.set(content, offset);
  for (const grow of growths) grow(bytes);
  const leaves = leavesOf(layout.parts);
  for (const edit of layout.edits) {
    notes.push(...place(bytes, leaves, edit));
    correctLengths(bytes, layout.parts, leafAt(leaves, edit), edit.content.length);
  }
  return seal(bytes, layout, edited, notes, options.resealAll === true);
}

function layOut(document: UnpackDocument, pieces: ReadonlyMap<string, Uint8Array>): Layout {
  const leaves = leavesOf(document.parts);
  const edits: Edit[] = [];
  const contents: Layout['contents'][number][] = [];
  for (const [index, piece] of document.pieces.entries()) {
    const content = pieces.get(piece.file);
    if (content === undefined || leaves[index]?.offset !== piece.offset)
      throw new FormatError(
        'FW_INSPECT_PIECE',
        `piece ${piece.file} is missing or does not belong to the description`,
        {
          hint: 'unpack the image again',
          data: { structure: 'firmwright-unpack.json', offset: piece.offset, expected: piece.file },
        },
      );
    if (sha256(content) === piece.sha256) contents.push({ offset: piece.offset, bytes: content });
    else edits.push({ file: piece.file, content, offset: piece.offset });
  }
  return { size: document.size, parts: document.parts, contents, edits };
}

const leafAt = (leaves: readonly Leaf[], { offset, file }: Edit): Leaf => {
  const leaf = leaves.find((candidate) => candidate.offset === offset);
  if (leaf !== undefined) return leaf;
  throw new FormatError('FW_INSPECT_PIECE', `piece ${file} belongs to nothing that was found`, {
    data: { structure: 'firmwright-unpack.json', offset, expected: file },
  });
};

/** The place of a piece: itself and the filling behind it, and where its end markers go for a content of some length. */
interface Room {
  readonly leaf: Leaf;
  readonly fillers: readonly Leaf[];
  readonly end: number;
  readonly markers: readonly number[];
  /** Where the content and the markers behind it would end. */
  readonly needed: number;
}

const fillerKinds = new Set<Part['kind']>(['padding', 'end-marker']);

function roomOf(leaves: readonly Leaf[], edit: Edit): Room {
  const leaf = leafAt(leaves, edit);
  const fillers: Leaf[] = [];
  for (const next of leaves.slice(leaves.indexOf(leaf) + 1)) {
    if (!fillerKinds.has(next.part.kind)) break;
    fillers.push(next);
  }
  const oldEnd = leaf.offset + leaf.size;
  const newEnd = leaf.offset + edit.content.length;
  const end = oldEnd + fillers.reduce((sum, { size }) => sum + size, 0);
  const before = fillers.filter(({ part }) => part.kind === 'end-marker').map(({ offset }) => offset);
  const rule = before.length > 0 ? inferMarkers(oldEnd, before) : undefined;
  const markers = rule?.(newEnd) ?? before;
  const [first] = markers;
  const last = markers.at(-1);
  // Markers that no rule explains stay where they are, and the content must end in front of them.
  const isInFront = first === undefined || newEnd <= first;
  const needed = Math.max(newEnd, last === undefined ? 0 : last + endMarker.length);
  return { leaf, fillers, end, markers, needed: isInFront ? needed : Math.max(needed, end + newEnd - first) };
}

/** Makes room for one edit where it needs more than it has, and corrects the containers around it. */
function makeRoom(
  layout: Layout,
  index: number,
  { growth }: RepackOptions,
): { readonly layout: Layout; readonly notes: string[]; readonly growths: ((bytes: Uint8Array) => void)[] } {
  const edit = layout.edits[index];
  if (edit === undefined) return { layout, notes: [], growths: [] };
  const leaves = leavesOf(layout.parts);
  const room = roomOf(leaves, edit);
  const over = room.needed - room.end;
  const around = partsAround(layout.parts, room.leaf.offset, room.leaf.offset + room.leaf.size);
  const delta =
    over <= 0 ? 0 : growth === undefined ? refuse(edit, room, over) : growBy(leaves, room, over, growth.unit);
  const next = delta === 0 ? layout : shifted(layout, room, delta);
  if (growth !== undefined && delta > 0) {
    const size = next.size - chunksSize(next.parts);
    if (size > growth.limit) refuse(edit, room, over, { ...growth, size });
  }
  const newEnd = edit.offset + edit.content.length;
  const growths = around
    .filter((part) => part !== room.leaf.part)
    .flatMap((part) => {
      const end = part.offset + part.size;
      const inside = end >= room.end ? delta : 0;
      const more = Math.max(inside, newEnd - end);
      if (more <= 0) return [];
      return [
        (bytes: Uint8Array): void => {
          if (!growContainer(bytes, part, { at: delta > 0 ? room.end : end, delta, growth: more }))
            refuse(edit, room, Math.max(over, newEnd - end), undefined, part);
        },
      ];
    });
  const note = `the file grew by ${groupDigits(delta)} bytes to make room for ${edit.file}`;
  return { layout: next, notes: delta > 0 ? [note] : [], growths };
}

/** What stands behind may move only by erase blocks, unless nothing but metadata and checksums does. */
function growBy(leaves: readonly Leaf[], room: Room, over: number, unit: number): number {
  const movesData = leaves.some(
    ({ offset, part, size }) =>
      offset >= room.end && part.kind !== 'fwtool-chunk' && part.offset === offset && part.size === size,
  );
  return movesData ? roundUp(over, unit) : over;
}

const chunksSize = (parts: readonly Part[]): number =>
  parts.reduce((sum, { kind, size }) => sum + (kind === 'fwtool-chunk' ? size : 0), 0);

function shifted(layout: Layout, room: Room, delta: number): Layout {
  const move = <T extends { readonly offset: number }>(item: T): T =>
    item.offset >= room.end ? { ...item, offset: item.offset + delta } : item;
  return {
    size: layout.size + delta,
    parts: insertRoom(layout.parts, { at: room.end, delta }, fillOf(room) === 0 ? '0x00' : '0xff'),
    contents: layout.contents.map(move),
    edits: layout.edits.map(move),
  };
}

function refuse(
  { file }: Edit,
  { leaf, end }: Room,
  over: number,
  limit?: { readonly limit: number; readonly what: string; readonly size: number },
  container?: Part,
): never {
  const room = end - leaf.offset;
  if (limit !== undefined)
    throw new BudgetError(
      'FW_BUDGET_PIECE',
      `with ${file} the file does not fit ${limit.what}: ${groupDigits(limit.size)} of ${groupDigits(limit.limit)} bytes, ${groupDigits(limit.size - limit.limit)} over`,
      {
        hint: 'make it smaller',
        data: { what: file, limit: limit.limit, use: limit.size, overBy: limit.size - limit.limit },
      },
    );
  throw new BudgetError(
    'FW_BUDGET_PIECE',
    `${file} does not fit: ${groupDigits(room + over)} of ${groupDigits(room)} bytes with its end markers, ${groupDigits(over)} over` +
      (container === undefined ? '' : `, and the ${container.title} around it cannot grow`),
    {
      hint:
        container === undefined
          ? 'make it smaller, or let the image grow up to the partition of its board with --board ID'
          : 'make it smaller, or build an image for the board with firmwright build',
      data: { what: file, limit: room, use: room + over, overBy: over },
    },
  );
}

/** Byte that fills up behind an edited piece. */
function fillOf({ leaf, fillers }: Room): number {
  const padding = fillers.find(({ part }) => part.kind === 'padding');
  if (padding) return padding.part.details['byte'] === '0x00' ? 0 : 0xff;
  return leaf.part.kind === 'squashfs' || leaf.part.kind === 'jffs2' ? 0xff : 0;
}

/** Writes an edited piece into its place, the filling, and the end markers. */
function place(bytes: Uint8Array, leaves: readonly Leaf[], edit: Edit): string[] {
  const room = roomOf(leaves, edit);
  const { leaf, end, markers } = room;
  const newEnd = leaf.offset + edit.content.length;
  const fill = fillOf(room);
  bytes.set(edit.content, leaf.offset);
  bytes.fill(fill, newEnd, end);
  for (const offset of markers) bytes.set(endMarker, offset);
  return edit.content.length === leaf.size
    ? []
    : [
        `${edit.file}: ${groupDigits(leaf.size)} bytes became ${groupDigits(edit.content.length)}, filled up with 0x${fill.toString(16).padStart(2, '0').toUpperCase()}`,
      ];
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

/** Rewrites the checksums around what was edited; a signature that can no longer hold goes. */
function seal(
  bytes: Uint8Array,
  { size, parts, edits }: Layout,
  edited: readonly string[],
  notes: readonly string[],
  isWhole: boolean,
): Repacked {
  const isEdited = edits.length > 0;
  const touches = (part: Part): boolean =>
    isWhole || edits.some(({ offset }) => offset >= part.offset && offset < part.offset + part.size);
  const chunks = parts.filter(({ kind }) => kind === 'fwtool-chunk');
  const end = Math.min(size, ...chunks.map(({ offset }) => offset));
  sealAll(bytes, parts, end, touches, isEdited || isWhole);
  if (isEdited || isWhole) for (const chunk of chunks) sealChunk(bytes, chunk);
  const signature = chunks.find(({ details }) => details['type'] === 'signature');
  if (signature === undefined || !isEdited) return { bytes, edited, notes };
  return {
    bytes: bytes.slice(0, signature.offset),
    edited,
    notes: [...notes, 'the signature of the original was left out; sign the image again'],
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
