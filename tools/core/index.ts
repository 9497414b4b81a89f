export {
  bytesOf,
  byteString,
  byteStringFromText,
  compareBytes,
  joinPath,
  textOf,
  zeroEndedStrings,
} from './byte-string.js';
export type { ByteString } from './byte-string.js';
export { fixedClock, steppingClock } from './clock.js';
export type { Clock } from './clock.js';
export { crc32, crc32Raw } from './crc32.js';
export { errorCodes } from './error-codes.js';
export type { ErrorCode } from './error-codes.js';
export {
  BudgetError,
  EnvironmentError,
  FirmwrightError,
  FormatError,
  InternalError,
  NativeError,
  ProfileError,
  ReproducibilityError,
  ScenarioError,
  UsageError,
} from './errors.js';
export type { Diagnostic, ErrorDetails } from './errors.js';
export { nearest } from './nearest.js';
export { checkoutPath, moduleUrl, runsFromSources } from './program-files.js';
export { printable, printablePage } from './printable.js';
export { seededRandom } from './random.js';
export type { RandomSource } from './random.js';
export { countOf, formatSize, groupDigits, parseSize, roundDown, roundUp } from './sizes.js';
export { systemError } from './system-error.js';
