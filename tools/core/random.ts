/** Deterministic random numbers from a seed. */
export interface RandomSource {
  /** Next integer in [0, limit); limit is 1 to 2^32. */
  below(limit: number): number;
  /** Next 32 bits, unsigned. */
  next(): number;
}

/** Makes a generator (xoshiro128**, seeded through splitmix32) whose sequence depends on the seed alone. */
export function seededRandom(seed: number): RandomSource {
  let mix = seed >>> 0;
  const splitmix = (): number => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()];
  const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
  const next = (): number => {
    const result = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotl(d, 11);
    return result;
  };
  return { next, below: (limit) => Math.floor((next() / 0x1_0000_0000) * limit) };
}
