/**
 * Explains any firmware file: what starts where, what is inside, which checksums are right, what is padding.
 *
 * A range is walked from its start. What is recognised claims its bytes and is looked into; between two finds stand
 * padding, end markers, or bytes that nothing explains. Recognisers with a real magic are tried wherever the magic
 * occurs, the others only where something must start: at the start of a range and behind a find.
 */
import { createHash } from 'node:crypto';
import {
  endMarker,
  fwtoolTrailerTable,
  readChunks,
  signatureFingerprint,
  startsWith,
} from '../firmware/index.js';
import {
  chkPart,
  combinedPart,
  deviceTreePart,
  dniPart,
  hdr1Part,
  linksysPart,
  lxlPart,
  namedChecksumPart,
  safeloaderPart,
  seamaPart,
  tplinkV1Part,
  tplinkV2Part,
  trxPart,
  ubiquitiPart,
  uImagePart,
  wrggPart,
} from './containers.js';
import {
  cramfsPart,
  jffs2Part,
  jffs2Starts,
  squashfsMagics,
  squashfsPart,
  ubifsPart,
  ubiPart,
  unlessDamaged,
} from './file-systems.js';
import { gapParts } from './gaps.js';
import type { InspectInput, Recogniser } from './input.js';
import { makePart } from './part.js';
import type { Part } from './part.js';
import { bgnPart, elfPart, gzipPart, lzmaPart, tarPart, xzPart, zipPart } from './streams.js';

/** How much to do. */
export interface InspectOptions {
  /** Decompress streams to find their end and verify them; default true. */
  readonly decode?: boolean;
}

/** What a file is. */
export interface Inspection {
  readonly size: number;
  readonly sha256: string;
  /** Cover the file without gaps, ascending. */
  readonly parts: readonly Part[];
}

/** With their magic these are found at any offset. */
const anywhere: readonly (readonly [Recogniser, readonly Uint8Array[]])[] = [
  [squashfsPart, squashfsMagics.map((magic) => Buffer.from(magic))],
  [uImagePart, [Buffer.from('27051956', 'hex')]],
  [trxPart, [Buffer.from('HDR0')]],
  [seamaPart, [Buffer.from('5ea3a417', 'hex')]],
  [deviceTreePart, [Buffer.from('d00dfeed', 'hex')]],
  [tplinkV2Part, [Buffer.from('\x02\0\0\0ver.'), Buffer.from('\x03\0\0\0ver.')]],
  [jffs2Part, jffs2Starts],
  [ubiPart, [Buffer.from('UBI#\x01')]],
  [ubifsPart, [Buffer.from('31181006', 'hex')]],
  [cramfsPart, [Buffer.from('453dcd28', 'hex'), Buffer.from('28cd3d45', 'hex')]],
];

/** These have weak marks and are tried only where something must start. */
const atStart: readonly Recogniser[] = [
  safeloaderPart,
  tplinkV1Part,
  wrggPart,
  chkPart,
  dniPart,
  namedChecksumPart,
  linksysPart,
  ubiquitiPart,
  combinedPart,
  hdr1Part,
  lxlPart,
  bgnPart,
  gzipPart,
  xzPart,
  elfPart,
  zipPart,
  tarPart,
  lzmaPart,
];

const depthLimit = 8;
/** Hostile files may hold a magic every few bytes; behind this many tries the rest of a range stays unexplained. */
const candidateLimit = 20_000;

/**
 * Inspects a file; never throws for what is in it.
 *
 * @param bytes  the whole file, not modified; damage shows as a failed check or as an unknown part
 */
export function inspectFile(bytes: Uint8Array, options: InspectOptions = {}): Inspection {
  const trailers = readChunks(bytes).map(({ type, offset, size, payload }) =>
    makePart('fwtool-chunk', chunkTitle(type, Buffer.from(payload).toString('utf8')), offset, size, {
      details: {
        type,
        payloadSize: payload.length,
        text: Buffer.from(payload).toString('utf8').trimEnd(),
        trailerOffset: offset + size - fwtoolTrailerTable.size,
      },
      checks: [{ name: 'CRC', ok: true }],
    }),
  );
  const end = trailers.reduce((least, { offset }) => Math.min(least, offset), bytes.length);
  return {
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    parts: [...inspectRange(bytes, 0, end, 0, options.decode ?? true), ...trailers.reverse()],
  };
}

/** Names what a chunk is for: the boards of metadata, the key of a signature. */
function chunkTitle(type: 'metadata' | 'signature', text: string): string {
  if (type === 'signature') {
    const key = signatureFingerprint(text);
    return key === undefined ? 'image signature (certificate chain)' : `image signature by key ${key}`;
  }
  // Damaged metadata is no reason to stop: only quoted names behind the key are looked at.
  const list = /"(?:new_)?supported_devices"\s*:\s*\[([^\]]*)\]/.exec(text)?.[1] ?? '';
  const devices = [...list.matchAll(/"([\x20-\x7e]{1,60}?)"/g)].map(([, name]) => name ?? '');
  const [first, ...others] = devices;
  if (first === undefined) return 'upgrade metadata';
  return `upgrade metadata for ${first}${others.length > 0 ? ` and ${others.length} more` : ''}`;
}

function inspectRange(bytes: Uint8Array, start: number, end: number, depth: number, decode: boolean): Part[] {
  if (depth >= depthLimit) return gapParts(bytes, start, end);
  const input: InspectInput = {
    bytes,
    decode,
    inside: (from, to) => inspectRange(bytes, from, to, depth + 1, decode),
  };
  const candidates = candidatesIn(bytes, start, end);
  const parts: Part[] = [];
  let at = start;
  let next = 0;
  while (at < end) {
    const found = recogniseStart(input, at, end) ?? candidates.get(at)?.(input, at, end);
    if (found) {
      parts.push(found);
      at = found.offset + found.size;
      continue;
    }
    const places = candidates.places;
    while (next < places.length && (places[next] ?? end) <= at) next += 1;
    let behind: Part | undefined;
    while (next < places.length && !behind) {
      const place = places[next] ?? end;
      behind = candidates.get(place)?.(input, place, end);
      next += 1;
    }
    const stop = behind?.offset ?? end;
    parts.push(...gapParts(bytes, at, stop));
    if (behind) parts.push(behind);
    at = behind ? behind.offset + behind.size : end;
  }
  return parts;
}

function recogniseStart(input: InspectInput, offset: number, end: number): Part | undefined {
  // Padding and markers are the commonest thing behind a find, and no structure starts with them.
  if (startsWith(input.bytes, endMarker, offset) || input.bytes[offset] === 0xff) return undefined;
  for (const recognise of atStart) {
    const part = guarded(recognise)(input, offset, end);
    if (part) return part;
  }
  return undefined;
}

/** A recogniser that answers undefined for damage, and for a part that would be empty or reach beyond its range. */
function guarded(recognise: Recogniser): Recogniser {
  return (input, offset, end) => {
    const part = unlessDamaged(() => recognise(input, offset, end));
    return part && part.size > 0 && part.offset + part.size <= end ? part : undefined;
  };
}

interface Candidates {
  /** Offsets at which a magic stands, ascending. */
  readonly places: readonly number[];
  get(place: number): Recogniser | undefined;
}

function candidatesIn(bytes: Uint8Array, start: number, end: number): Candidates {
  const range = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
  const byPlace = new Map<number, Recogniser>();
  for (const [recognise, magics] of anywhere)
    for (const magic of magics) {
      let count = 0;
      for (
        let at = range.indexOf(magic);
        at >= 0 && count < candidateLimit;
        at = range.indexOf(magic, at + 1)
      ) {
        if (!byPlace.has(start + at)) byPlace.set(start + at, guarded(recognise));
        count += 1;
      }
    }
  const places = [...byPlace.keys()].sort((a, b) => a - b);
  return { places, get: (place) => byPlace.get(place) };
}
