/** What a recogniser works on. */
import type { Part } from './part.js';

/** The file, and the way back into the walk for what a container holds. */
export interface InspectInput {
  readonly bytes: Uint8Array;
  /** Inspects the range from `start` to `end` of the file as a level of its own. */
  readonly inside: (start: number, end: number) => readonly Part[];
  /** Whether streams are decompressed to find their end and to verify them. */
  readonly decode: boolean;
}

/**
 * Looks at `offset`; undefined when nothing known starts there.
 *
 * @param end  where the range ends that holds the offset; a part never reaches beyond
 */
export type Recogniser = (input: InspectInput, offset: number, end: number) => Part | undefined;
