/** What an inspection finds: ranges of the file, nested, each with its fields and the checks that were made. */

/** Kinds of parts. */
export type PartKind =
  // containers with a header
  | 'chk'
  | 'combined'
  | 'device-tree'
  | 'dni'
  | 'fit'
  | 'hdr1'
  | 'linksys-header'
  | 'lxl'
  | 'named-checksum'
  | 'safeloader'
  | 'seama'
  | 'tplink-v1'
  | 'tplink-v2'
  | 'trx'
  | 'ubiquiti'
  | 'uimage'
  | 'wrgg'
  // a range that a container names
  | 'range'
  // file systems
  | 'cramfs'
  | 'jffs2'
  | 'squashfs'
  | 'ubi'
  | 'ubifs'
  // streams and files
  | 'buffalo-bgn'
  | 'elf'
  | 'gzip'
  | 'lzma'
  | 'tar'
  | 'xz'
  | 'zip'
  // what stands between and behind
  | 'end-marker'
  | 'fwtool-chunk'
  | 'padding'
  | 'unknown';

/** A field for people and for JSON. */
export type Detail = string | number | boolean | readonly string[] | Readonly<Record<string, number>>;

/** A checksum or length that was verified. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
}

/** A range of the file; `offset` counts from the start of the file even for nested parts. */
export interface Part {
  readonly kind: PartKind;
  /** One line for people. */
  readonly title: string;
  readonly offset: number;
  readonly size: number;
  readonly details: Readonly<Record<string, Detail>>;
  readonly checks: readonly Check[];
  /** Ascending, without overlap, inside this part. */
  readonly parts: readonly Part[];
}

/** Makes a part; what is left out is empty. */
export function makePart(
  kind: PartKind,
  title: string,
  offset: number,
  size: number,
  more: {
    readonly details?: Part['details'];
    readonly checks?: readonly Check[];
    readonly parts?: readonly Part[];
  } = {},
): Part {
  return {
    kind,
    title,
    offset,
    size,
    details: more.details ?? {},
    checks: more.checks ?? [],
    parts: more.parts ?? [],
  };
}

/** Walks parts, outer before inner, with their depth. */
export function* walkParts(parts: readonly Part[], depth = 0): Generator<{ part: Part; depth: number }> {
  for (const part of parts) {
    yield { part, depth };
    yield* walkParts(part.parts, depth + 1);
  }
}
