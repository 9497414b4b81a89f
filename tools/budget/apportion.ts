/**
 * Divides a whole number by weights into whole numbers that add up to it, by the method of largest remainders: no share
 * is more than 1 away from its exact part, and of equal remainders the first wins.
 *
 * @param weights  none negative; where all are 0, the first gets everything
 */
export function apportion(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  if (sum === 0) return weights.map((_, i) => (i === 0 ? total : 0));
  const exact = weights.map((weight) => (total * weight) / sum);
  const shares = exact.map(Math.floor);
  const rest = total - shares.reduce((all, share) => all + share, 0);
  const byRemainder = exact
    .map((part, i) => ({ remainder: part - Math.floor(part), i }))
    .sort((a, b) => b.remainder - a.remainder || a.i - b.i);
  for (const { i } of byRemainder.slice(0, rest)) shares[i] = (shares[i] ?? 0) + 1;
  return shares;
}
