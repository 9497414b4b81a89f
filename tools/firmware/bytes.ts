import { FormatError, groupDigits } from '../core/index.js';

/** No image that a step makes is larger; what is asked for comes from a profile that may be wrong. */
const sizeLimit = 1024 ** 3;

/** Joins byte arrays into a new one. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/**
 * Returns a copy of `length` bytes: cut, or filled up with `fill`.
 *
 * @throws FormatError FW_FIRMWARE_STEP_REFUSED for more than 1 GiB
 */
export function resized(bytes: Uint8Array, length: number, fill: number): Uint8Array {
  if (length > sizeLimit)
    throw new FormatError(
      'FW_FIRMWARE_STEP_REFUSED',
      `padding to ${groupDigits(length)} bytes: expected ${groupDigits(sizeLimit)} at most`,
      { data: { expected: sizeLimit, found: length } },
    );
  const copy = new Uint8Array(length).fill(fill);
  copy.set(bytes.subarray(0, length));
  return copy;
}

/** Fills up with `fill` to the next multiple of `unit`. */
export function padded(bytes: Uint8Array, unit: number, fill = 0): Uint8Array {
  const length = Math.ceil(bytes.length / unit) * unit;
  return length === bytes.length ? bytes : resized(bytes, length, fill);
}

/** Compares two ranges byte by byte. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** Says whether `bytes` holds `pattern` at `offset`. */
export function startsWith(bytes: Uint8Array, pattern: Uint8Array, offset = 0): boolean {
  return (
    offset >= 0 &&
    offset + pattern.length <= bytes.length &&
    pattern.every((byte, i) => bytes[offset + i] === byte)
  );
}

/** Reads 32 bits, big-endian; undefined past the end. */
export function wordBe(bytes: Uint8Array, offset: number): number | undefined {
  if (offset < 0 || offset + 4 > bytes.length) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset);
}

/** Reads 32 bits, little-endian; undefined past the end. */
export function wordLe(bytes: Uint8Array, offset: number): number | undefined {
  if (offset < 0 || offset + 4 > bytes.length) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset, true);
}
