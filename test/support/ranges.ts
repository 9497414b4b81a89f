/** Reads `2-5` or `3`, as sweeps take a part of their work; all of `count` when it is not given. */
export function rangeOf(text: string | undefined, count: number): (number: number) => boolean {
  const [first = 0, last = first] = text === undefined ? [0, count - 1] : text.split('-').map(Number);
  return (number) => number >= first && number <= last;
}
