/** Rounds up to a multiple of `unit` (any positive integer, not only powers of two). */
export function roundUp(size: number, unit: number): number {
  return Math.ceil(size / unit) * unit;
}

/** Rounds down to a multiple of `unit`. */
export function roundDown(size: number, unit: number): number {
  return Math.floor(size / unit) * unit;
}

/**
 * Reads a size as users write it: a number, optionally followed by `k`, `KiB`, `m`, `MiB`, `g`, `GiB` (all 1024-based),
 * or hexadecimal with `0x`.
 *
 * @returns bytes, or undefined when the text is no size
 */
export function parseSize(text: string): number | undefined {
  const match = /^(0x[0-9a-f]+|\d+)\s*(k|kib|kb|m|mib|mb|g|gib|gb|b)?$/i.exec(text.trim());
  if (!match?.[1]) return undefined;
  const unit = (match[2] ?? 'b')[0]?.toLowerCase();
  const size =
    Number(match[1]) * (unit === 'k' ? 1024 : unit === 'm' ? 1024 ** 2 : unit === 'g' ? 1024 ** 3 : 1);
  return Number.isSafeInteger(size) ? size : undefined;
}

/** Writes a size for people: whole multiples as `64 KiB`, others with two decimals, below 1 KiB in bytes. */
export function formatSize(size: number): string {
  for (const [unit, name] of [
    [1024 ** 3, 'GiB'],
    [1024 ** 2, 'MiB'],
    [1024, 'KiB'],
  ] as const) {
    if (Math.abs(size) < unit) continue;
    return `${size % unit === 0 ? size / unit : (size / unit).toFixed(2)} ${name}`;
  }
  return `${size} B`;
}

/** Writes an integer with thin groups of three digits, as in `4 521 984`. */
export function groupDigits(value: number): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** Writes a count of things, as in `1 error` and `2 errors`; for words that take an s. */
export function countOf(count: number, word: string): string {
  return `${groupDigits(count)} ${word}${count === 1 ? '' : 's'}`;
}
