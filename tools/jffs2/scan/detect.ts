/** Finds out byte order and erase size of an image by itself: neither stands anywhere in JFFS2. */
import { parseHeader, parseNode } from '../node/parse.js';
import { HEADER_SIZE, MAGIC, MAGIC_SWAPPED, nodeTypes, padToNode, viewOf } from '../node/layout.js';
import type { Endian } from '../node/layout.js';

/** Good headers after which the byte order is beyond doubt. */
const ENOUGH_NODES = 16;

/** Finds the byte order in which most nodes are good; undefined when there is no good node in either. */
export function detectEndian(bytes: Uint8Array): Endian | undefined {
  const view = viewOf(bytes);
  const count = { little: 0, big: 0 };
  for (let at = 0; at + HEADER_SIZE <= bytes.length; at += 4) {
    const half = view.getUint16(at, true);
    if (half !== MAGIC && half !== MAGIC_SWAPPED) continue;
    const endian: Endian = half === MAGIC ? 'little' : 'big';
    const found = parseNode(bytes, at, bytes.length, endian, view);
    if (found.kind === 'fault' || found.kind === 'unknown') continue;
    count[endian] += 1;
    if (count[endian] >= ENOUGH_NODES) break;
  }
  if (count.little + count.big === 0) return undefined;
  return count.little >= count.big ? 'little' : 'big';
}

/** From what an erase size was concluded. */
export type EraseSizeSource = 'given' | 'cleanmarkers' | 'summaries' | 'node borders' | 'usual';

/** Erase size of most NOR flash; taken when nothing in the image tells. */
const USUAL_ERASE_SIZE = 64 * 1024;
const SMALLEST_ERASE_SIZE = 4096;

const knownTypes: ReadonlySet<number> = new Set(Object.values(nodeTypes));

/**
 * Concludes the erase size from where cleanmarkers and summaries stand, and from borders that no node crosses.
 *
 * Too small a size would cut nodes, so it is never below what the nodes need.
 */
export function detectEraseSize(
  bytes: Uint8Array,
  endian: Endian,
): { readonly eraseSize: number; readonly source: EraseSizeSource } {
  const view = viewOf(bytes);
  let cleanmarkers = 0;
  let markerStep = 0;
  let summaryStep = 0;
  let crossed = 0;
  for (let at = 0; at + HEADER_SIZE <= bytes.length;) {
    const found = parseHeader(bytes, at, endian, view);
    if (!found || !knownTypes.has(found.nodetype)) {
      at += 4;
      continue;
    }
    const next = at + padToNode(found.totlen);
    // The highest bit in which first and last byte differ is the largest power of two whose border is crossed.
    crossed = Math.max(crossed, (at ^ (at + found.totlen - 1)) >>> 0);
    if (found.nodetype === nodeTypes.cleanmarker) {
      cleanmarkers += 1;
      markerStep = greatestCommonDivisor(markerStep, at);
    } else if (found.nodetype === nodeTypes.summary) {
      summaryStep = greatestCommonDivisor(summaryStep, next);
    }
    at = next;
  }
  const needed = Math.max(SMALLEST_ERASE_SIZE, 2 ** (32 - Math.clz32(crossed)));
  if (cleanmarkers > 1 && isPlausible(markerStep, needed)) {
    return { eraseSize: markerStep, source: 'cleanmarkers' };
  }
  if (isPlausible(summaryStep, needed)) return { eraseSize: summaryStep, source: 'summaries' };
  if (cleanmarkers === 0 && needed > SMALLEST_ERASE_SIZE && bytes.length > 2 * needed) {
    return { eraseSize: needed, source: 'node borders' };
  }
  return { eraseSize: Math.max(USUAL_ERASE_SIZE, needed), source: 'usual' };
}

function isPlausible(size: number, needed: number): boolean {
  return size >= SMALLEST_ERASE_SIZE && size >= needed && size % 4 === 0;
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
