/** Finds the words nearest to one that is not known, for "did you mean". */

/** Words that differ from `word` in at most a third of its letters, or contain it, the nearest first. */
export function nearest(word: string, words: readonly string[]): string[] {
  const limit = Math.max(1, Math.floor(word.length / 3));
  return words
    .map((known) => ({ known, distance: known.includes(word) ? 1 : editDistance(word, known) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ known }) => known);
}

/** Letters to insert, remove or replace to get from one word to the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
