/** Values of options that several verbs take, read and checked. */
import { parseSize, UsageError } from '../core/index.js';
import type { Session } from './command.js';

/** Reads a size in bytes, such as 64k. @throws UsageError FW_USAGE_ARGUMENT */
export function sizeOf(option: string, text: string): number {
  const size = parseSize(text);
  if (size === undefined) {
    throw new UsageError('FW_USAGE_ARGUMENT', `${option} takes a size such as 64k, not ${text}`);
  }
  return size;
}

/**
 * Reads the build time in seconds: `--source-date-epoch`, else SOURCE_DATE_EPOCH.
 *
 * @returns undefined when neither is given
 * @throws UsageError FW_USAGE_ARGUMENT
 */
export function sourceDateEpoch(option: number | undefined, { env }: Session): number | undefined {
  const variable = env['SOURCE_DATE_EPOCH'];
  const given = option ?? (variable ? Number(variable) : undefined);
  if (given !== undefined && !(Number.isInteger(given) && given >= 0 && given <= 0xffff_ffff)) {
    throw new UsageError(
      'FW_USAGE_ARGUMENT',
      `${option === undefined ? 'SOURCE_DATE_EPOCH' : '--source-date-epoch'} takes seconds from 0 to 4294967295, not ${option ?? variable ?? ''}`,
      { hint: 'give --source-date-epoch 1700000000, or unset SOURCE_DATE_EPOCH' },
    );
  }
  return given;
}

/** Checks a number of threads. @throws UsageError FW_USAGE_ARGUMENT */
export function checkJobs(jobs: number | undefined): void {
  if (jobs !== undefined && !(Number.isInteger(jobs) && jobs >= 1 && jobs <= 256)) {
    throw new UsageError('FW_USAGE_ARGUMENT', `--jobs takes a number from 1 to 256, not ${jobs}`);
  }
}
