/** Options of the verbs that run a device. Apart, since a start with the emulator takes longer than a small image. */
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
