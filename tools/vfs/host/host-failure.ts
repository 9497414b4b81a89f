import { errnoNumbers, FsError } from '../errno.js';
import type { Errno } from '../errno.js';

const errnoNames = new Map<number, Errno>(
  Object.entries(errnoNumbers).map(([name, number]) => [number, name as Errno]),
);

/** The number of an errno that a call of the host answered, as the error to throw. */
export function hostFailure(error: number, syscall: string, name?: string): FsError {
  return new FsError(errnoNames.get(error) ?? 'EIO', syscall, name);
}

/** Throws what a call of the host answered, unless it is 0: done. */
export function checkDone(error: number, syscall: string, name?: string): void {
  if (error !== 0) throw hostFailure(error, syscall, name);
}
