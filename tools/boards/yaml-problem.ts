/** What is wrong with a value of a YAML file, before its line is known. */
import type { ErrorCode } from '../core/index.js';

/** A problem of a value: `path` leads to it, `textOffset` into it for texts of several words. */
export interface YamlProblem {
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  readonly message: string;
  readonly path: readonly PropertyKey[];
  readonly textOffset?: number;
  readonly notes?: readonly string[];
}
