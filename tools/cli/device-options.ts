/** Options of the verbs that run a device. Apart, since a start with the emulator takes longer than a small image. */
import { availableParallelism } from 'node:os';
import { branchNames } from '../emulator/index.js';

/** The option that names the board of an image; see `boardOfImage`. */
export const boardOption = {
  alias: 'b',
  type: 'string',
  requiresArg: true,
  describe: 'board id or profile file; as the metadata of the image says when absent',
} as const;

/** The option that names the release of a device; without its type, 19.07 would be taken for a number. */
export const branchOption = {
  type: 'string',
  choices: branchNames,
  describe: 'release whose flows run; as the image says when absent',
} as const;

/** The option that asks for power cuts; `describe` says in what. */
export const powerCutsOption = {
  choices: ['none', 'sample', 'all'] as const,
  default: 'none' as const,
};

/** The option that spreads power cuts over processes. */
export const jobsOption = {
  alias: 'j',
  type: 'number',
  describe: 'processes for --power-cuts all; default: one for each processor',
} as const;

/** How many processes share the power cuts; undefined: a sample is made in this one, which is faster than to start another. */
export function powerCutJobs(
  powerCuts: 'none' | 'sample' | 'all',
  jobs: number | undefined,
): number | undefined {
  return powerCuts === 'all' ? (jobs ?? availableParallelism()) : jobs;
}
