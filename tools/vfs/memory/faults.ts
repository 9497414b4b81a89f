import type { ByteString } from '../../core/index.js';
import type { Errno } from '../errno.js';
import type { FileSystem, Ino } from '../file-system.js';

/** Name of a call of the `FileSystem` interface. */
export type FileSystemCall = Exclude<keyof FileSystem, 'kind' | 'root' | 'readOnly'>;

/** A call that is about to be done. */
export interface FaultPoint {
  readonly call: FileSystemCall;
  /** Object the call is about; the directory where a name is given. */
  readonly ino: Ino;
  readonly name: ByteString | undefined;
  /** How many changing calls came before this one, itself included, from 1; reading calls do not count. */
  readonly change: number;
  readonly changes: boolean;
}

/** Asked before each call; an errno makes the call fail with it, without any effect. */
export type FaultHook = (point: FaultPoint) => Errno | undefined;

/** Makes the n-th changing call fail, counted from the moment the hook is first asked. */
export function failChange(ordinal: number, code: Errno): FaultHook {
  let seen = 0;
  return ({ changes }) => (changes && ++seen === ordinal ? code : undefined);
}

/** Makes the n-th use of one call fail, and with `onwards` all later ones too. */
export function failCall(
  call: FileSystemCall,
  code: Errno,
  { ordinal = 1, onwards = false }: { readonly ordinal?: number; readonly onwards?: boolean } = {},
): FaultHook {
  let seen = 0;
  return (point) => {
    if (point.call !== call) return undefined;
    seen += 1;
    return seen === ordinal || (onwards && seen > ordinal) ? code : undefined;
  };
}
