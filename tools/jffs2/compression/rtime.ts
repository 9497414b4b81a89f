/**
 * rtime, the compressor that every JFFS2 driver has: each byte is followed by how many bytes repeat what followed the
 * last occurrence of that byte.
 *
 * @see SPEC.md "rtime"
 */

/** What an encoder made of the start of a page. */
export interface Encoded {
  readonly data: Uint8Array;
  /** Bytes of the input that went in. */
  readonly consumed: number;
}

const RUN_MAX = 255;

/**
 * Encodes as much of the input as fits into `limit` bytes.
 *
 * @returns undefined when the result would not be smaller than what it holds
 */
export function rtimeEncode(input: Uint8Array, limit: number): Encoded | undefined {
  const behindLast = new Uint32Array(256);
  const output = new Uint8Array(Math.min(limit, 2 * input.length));
  let written = 0;
  let at = 0;
  while (at < input.length && written + 2 <= limit) {
    const value = input[at] ?? 0;
    at += 1;
    let back = behindLast[value] ?? 0;
    behindLast[value] = at;
    const runStart = at;
    // A byte that repeats itself copies from the byte just written, so `back` may run up to `at`.
    while (back < at && at < input.length && at - runStart < RUN_MAX && input[at] === input[back]) {
      at += 1;
      back += 1;
    }
    output[written] = value;
    output[written + 1] = at - runStart;
    written += 2;
  }
  if (written >= at) return undefined;
  return { data: output.slice(0, written), consumed: at };
}

/** Decodes exactly `dsize` bytes; undefined when the input ends early or a run passes the end. */
export function rtimeDecode(input: Uint8Array, dsize: number): Uint8Array | undefined {
  // Two bytes give at most 256.
  if (dsize > Math.floor(input.length / 2) * (RUN_MAX + 1)) return undefined;
  const behindLast = new Uint32Array(256);
  const output = new Uint8Array(dsize);
  let written = 0;
  for (let at = 0; written < dsize; at += 2) {
    const value = input[at];
    const run = input[at + 1];
    if (value === undefined || run === undefined || written + 1 + run > dsize) return undefined;
    output[written] = value;
    written += 1;
    let back = behindLast[value] ?? 0;
    behindLast[value] = written;
    for (let i = 0; i < run; i++) {
      output[written] = output[back] ?? 0;
      written += 1;
      back += 1;
    }
  }
  return output;
}
