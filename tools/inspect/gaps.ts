/** Explains the bytes between two finds: padding of one byte, end markers, or nothing known. */
import { endMarker, startsWith } from '../firmware/index.js';
import { describeUnknown } from './describe-unknown.js';
import { makePart } from './part.js';
import type { Part } from './part.js';

/** Shortest run of equal bytes that counts as padding inside other data. */
const shortestRun = 64;
/** Markers stand on boundaries of flash pages from some start, at the least on multiples of four. */
const pageSize = 4;

/** Cuts a range into padding, end markers and unknown bytes. */
export function gapParts(bytes: Uint8Array, start: number, end: number): Part[] {
  const parts: Part[] = [];
  let unknownFrom = start;
  let at = start;
  const flush = (to: number): void => {
    if (to > unknownFrom) parts.push(unknownPart(bytes, unknownFrom, to));
  };
  while (at < end) {
    const byte = bytes[at];
    // Most bytes can be neither, and a gap may be megabytes of them.
    if (byte !== 0 && byte !== 0xff && byte !== endMarker[0]) {
      at += 1;
      continue;
    }
    const marker = at + endMarker.length <= end && startsWith(bytes, endMarker, at);
    const run = marker ? 0 : runLength(bytes, at, end);
    const isPadding =
      run >= shortestRun ||
      (run > 0 && at === unknownFrom && at + run === end) ||
      (run >= pageSize && isBesideMarker(bytes, at, run, end));
    if (!marker && !isPadding) {
      at += Math.max(1, run);
      continue;
    }
    flush(at);
    if (marker) {
      parts.push(makePart('end-marker', 'end marker DE AD C0 DE', at, endMarker.length));
      at += endMarker.length;
    } else {
      const fill = (byte ?? 0).toString(16).padStart(2, '0').toUpperCase();
      parts.push(makePart('padding', `padding 0x${fill}`, at, run, { details: { byte: `0x${fill}` } }));
      at += run;
    }
    unknownFrom = at;
  }
  flush(end);
  return parts;
}

/** Bytes of 0x00 or 0xFF from `at` on. */
function runLength(bytes: Uint8Array, at: number, end: number): number {
  const byte = bytes[at];
  if (byte !== 0 && byte !== 0xff) return 0;
  let stop = at + 1;
  while (stop < end && bytes[stop] === byte) stop += 1;
  return stop - at;
}

/** A short run that ends at a marker is padding too. */
function isBesideMarker(bytes: Uint8Array, at: number, run: number, end: number): boolean {
  return at + run + endMarker.length <= end && startsWith(bytes, endMarker, at + run);
}

function unknownPart(bytes: Uint8Array, start: number, end: number): Part {
  return makePart('unknown', describeUnknown(bytes.subarray(start, end)), start, end - start, {
    details: { starts: Buffer.from(bytes.subarray(start, Math.min(end, start + 16))).toString('hex') },
  });
}
