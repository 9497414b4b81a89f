/** Finds the rule by which the end markers of an image stand where they are, so that it can be applied to another end. */
import { markerOffsets } from '../firmware/index.js';

const kib = 1024;
/** Sets of alignments that padding tools use. */
const alignmentSets: readonly (readonly number[])[] = [
  [64],
  [4],
  [128],
  [4, 64],
  [4, 8, 64],
  [4, 8, 64, 128],
  [4, 8, 16, 64],
  [4, 64, 128],
  [4, 8, 16, 64, 128],
  [4, 8, 16, 64, 128, 256],
  [64, 128],
  [64, 128, 256],
].map((set) => set.map((size) => size * kib));

/**
 * Finds the rule that put the markers where they are: which alignments, counted from where.
 *
 * @returns where the same rule puts them behind another end; undefined when no rule explains them
 */
export function inferMarkers(
  end: number,
  markers: readonly number[],
): ((end: number) => number[]) | undefined {
  for (const alignments of alignmentSets) {
    const largest = Math.max(...alignments);
    // The last marker stands on a multiple of the largest alignment, which tells the origin.
    const origin = (markers.at(-1) ?? 0) % largest;
    const rule = (at: number): number[] =>
      markerOffsets(at - origin + largest, alignments).map((offset) => offset + origin - largest);
    if (rule(end).join() === markers.join()) return rule;
  }
  return undefined;
}
