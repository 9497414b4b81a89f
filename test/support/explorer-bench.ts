/** The exploration that the benchmark spreads over processes. */
import type { ExploreOptions } from '../../tools/flash/index.js';
import { jffs2PowerCuts } from './jffs2-power-cuts.js';

/** Makes the small workload with many subsets of bits an operation. */
export function benchCuts(input: unknown): ExploreOptions {
  const options = jffs2PowerCuts({ workload: 'append', endian: 'little', eraseSize: 65536, blocks: 8 });
  return { ...options, bitSubsets: Number(input) };
}
