/** Source of time, handed in so that the same input gives the same bytes. */
export interface Clock {
  /** Nanoseconds since 1970-01-01 UTC. */
  nowNs(): bigint;
}

/** Makes a clock that stands still, as a build does; `seconds` is SOURCE_DATE_EPOCH. */
export function fixedClock(seconds: number): Clock {
  const now = BigInt(seconds) * 1_000_000_000n;
  return { nowNs: () => now };
}

/** Makes a clock that advances by `stepNs` at each reading, so that a test sees an order in time. */
export function steppingClock(startSeconds: number, stepNs: bigint): Clock {
  let now = BigInt(startSeconds) * 1_000_000_000n;
  return { nowNs: () => (now += stepNs) };
}
