/**
 * Compares package versions as opkg does: epoch, version, revision; digits by value, `~` before everything.
 *
 * @returns negative, zero or positive
 * @see Debian Policy 5.6.12; opkg-lede libopkg/pkg.c verrevcmp
 */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [split(a), split(b)];
  return x.epoch - y.epoch || comparePart(x.version, y.version) || comparePart(x.revision, y.revision);
}

function split(text: string): { epoch: number; version: string; revision: string } {
  const match = /^(?:(\d+):)?(.*?)(?:-([^-]*))?$/s.exec(text);
  return { epoch: Number(match?.[1] ?? 0), version: match?.[2] ?? text, revision: match?.[3] ?? '' };
}

/** Weight of a character that is no digit: `~`, the end, letters, the rest. */
function weight(char: string | undefined): number {
  if (char === undefined || /\d/.test(char)) return 0;
  if (char === '~') return -1;
  return /[A-Za-z]/.test(char) ? char.charCodeAt(0) : char.charCodeAt(0) + 256;
}

function comparePart(a: string, b: string): number {
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    while ((i < a.length && !/\d/.test(a.charAt(i))) || (j < b.length && !/\d/.test(b.charAt(j)))) {
      const difference = weight(a[i]) - weight(b[j]);
      if (difference !== 0) return difference;
      i += 1;
      j += 1;
    }
    const [x, y] = [/^\d*/.exec(a.slice(i))?.[0] ?? '', /^\d*/.exec(b.slice(j))?.[0] ?? ''];
    const difference = BigInt(`0${x}`) - BigInt(`0${y}`);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
    i += x.length;
    j += y.length;
  }
  return 0;
}

/** Tells whether a version meets a condition such as `>= 1.2`; opkg reads `<` and `>` as `<=` and `>=`. */
export function versionMeets(version: string, operator: string, wanted: string): boolean {
  const order = compareVersions(version, wanted);
  switch (operator) {
    case '=':
      return order === 0;
    case '<<':
      return order < 0;
    case '>>':
      return order > 0;
    case '<':
    case '<=':
      return order <= 0;
    default:
      return order >= 0;
  }
}
