/**
 * Reads a profile file: shape and lint with every fault at its place, then the profile itself.
 *
 * Reading the file itself is the caller's: this module works on text.
 */
import { countOf, ProfileError } from '../core/index.js';
import type { Diagnostic } from '../core/index.js';
import { lintProfile } from './lint.js';
import { toBoardProfile } from './profile.js';
import type { BoardProfile } from './profile.js';
import { boardProfileSchema } from './schema.js';
import { checkYamlFile } from './yaml-file.js';

/** A profile, or undefined when it has errors; and all that is to be said about it. */
export interface CheckedProfile {
  readonly profile?: BoardProfile;
  /** By line, then column. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads and checks the text of a profile; `file` names it in the diagnostics. Never throws. */
export function checkBoardProfile(text: string, file: string): CheckedProfile {
  const { value, diagnostics } = checkYamlFile(text, file, boardProfileSchema, lintProfile);
  return { ...(value === undefined ? {} : { profile: toBoardProfile(value) }), diagnostics };
}

/**
 * Reads the text of a profile.
 *
 * @throws ProfileError FW_PROFILE_INVALID with a diagnostic for every fault of the file
 */
export function loadBoardProfile(text: string, file: string): BoardProfile {
  const { profile, diagnostics } = checkBoardProfile(text, file);
  if (profile !== undefined) return profile;
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  throw new ProfileError(
    'FW_PROFILE_INVALID',
    `${file}: ${countOf(errors.length, 'error')} in the board profile`,
    diagnostics,
    { hint: `firmwright boards lint ${file}` },
  );
}
