/** Who has an object open, and what each of them has still to hear (union-semantics 174). */
import type { Errno, LockOwner } from '../vfs/index.js';
import { stranger } from './users.js';

/** Who has an object open under a name of his own, and who has not heard yet of an error. */
export class OpenFiles {
  readonly #opens = new Map<LockOwner, number>();
  readonly #untold = new Map<LockOwner, Errno>();

  opened(opener: LockOwner): void {
    this.#opens.set(opener, (this.#opens.get(opener) ?? 0) + 1);
  }

  /** The error that an opener who closes for good has not heard of. */
  closed(opener: LockOwner): Errno | undefined {
    const opens = (this.#opens.get(opener) ?? 0) - 1;
    if (opens > 0) {
      this.#opens.set(opener, opens);
      return undefined;
    }
    this.#opens.delete(opener);
    return this.take(opener);
  }

  /** All that have it open are to hear of an error, and the next who syncs it without a name. */
  note(code: Errno): void {
    for (const opener of [stranger, ...this.#opens.keys()]) this.#untold.set(opener, code);
  }

  /** The error that someone has not heard of; from now on he has. */
  take(opener: LockOwner): Errno | undefined {
    const code = this.#untold.get(opener);
    this.#untold.delete(opener);
    return code;
  }
}
