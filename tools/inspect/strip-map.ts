/** A strip of letters that shows what takes which share of the file, in order. */
import type { Part, PartKind } from './part.js';

/** A piece of the file that no part inside it explains further. */
export interface Leaf {
  readonly part: Part;
  readonly offset: number;
  readonly size: number;
}

/** Lists the innermost pieces; they cover the parts without gaps. The header of a container is a piece of it. */
export function leavesOf(parts: readonly Part[]): Leaf[] {
  return parts.flatMap((part) => {
    const leaves: Leaf[] = [];
    let at = part.offset;
    for (const child of part.parts) {
      if (child.offset > at) leaves.push({ part, offset: at, size: child.offset - at });
      leaves.push(...leavesOf([child]));
      at = child.offset + child.size;
    }
    const end = part.offset + part.size;
    if (end > at) leaves.push({ part, offset: at, size: end - at });
    return leaves;
  });
}

const letters: Readonly<Partial<Record<PartKind, readonly [letter: string, meaning: string]>>> = {
  squashfs: ['S', 'squashfs'],
  jffs2: ['J', 'JFFS2'],
  cramfs: ['C', 'cramfs'],
  ubi: ['U', 'UBI'],
  ubifs: ['U', 'UBIFS'],
  lzma: ['L', 'LZMA stream'],
  gzip: ['G', 'gzip stream'],
  xz: ['X', 'xz stream'],
  elf: ['E', 'ELF'],
  'device-tree': ['D', 'device tree'],
  tar: ['T', 'tar archive'],
  zip: ['Z', 'zip archive'],
  'buffalo-bgn': ['?', 'unknown'],
  uimage: ['K', 'uImage'],
  padding: ['.', 'padding'],
  'end-marker': ['!', 'end marker (JFFS2 may start here)'],
  'fwtool-chunk': ['m', 'metadata'],
  unknown: ['?', 'unknown'],
};
const other = ['h', 'header'] as const;
/** A marker is four bytes and would never win a cell. */
const alwaysShown = new Set<PartKind>(['end-marker', 'fwtool-chunk']);

/** A strip and what its letters mean. */
export interface StripMap {
  readonly strip: string;
  readonly legend: readonly string[];
  /** Bytes that one letter stands for. */
  readonly bytesPerCell: number;
}

/** Draws the strip: each cell shows what most of its bytes are; markers and metadata always show. */
export function stripMap(parts: readonly Part[], size: number, width = 64): StripMap {
  const bytesPerCell = Math.max(1, Math.ceil(size / width));
  const cells = Array.from({ length: Math.ceil(size / bytesPerCell) }, () => new Map<string, number>());
  const meanings = new Map<string, string>();
  for (const { part, offset, size: length } of leavesOf(parts)) {
    const [letter, meaning] = letters[part.kind] ?? other;
    meanings.set(letter, meaning);
    for (let at = offset; at < offset + length;) {
      const cell = Math.floor(at / bytesPerCell);
      const stop = Math.min(offset + length, (cell + 1) * bytesPerCell);
      const weights = cells[cell];
      const weight = alwaysShown.has(part.kind) ? size : stop - at;
      weights?.set(letter, (weights.get(letter) ?? 0) + weight);
      at = stop;
    }
  }
  const strip = cells
    .map((weights) => [...weights].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [' ', 0])[0])
    .join('');
  return {
    strip,
    legend: [...meanings]
      .filter(([letter]) => strip.includes(letter))
      .map(([letter, meaning]) => `${letter} ${meaning}`),
    bytesPerCell,
  };
}
