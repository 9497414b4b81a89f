import type { Ino } from '../vfs/index.js';

/** So many names looked up after listings without attributes, and listings carry them. */
const enough = 4;
/** One listing in so many is a trial without attributes. */
const trialEvery = 32;

/**
 * Decides whether a listing carries attributes. `ls -l`, tar and rsync ask for those of every name they read, and each
 * is a request saved; `find` and `ls` ask for none, and gathering them is most of the work. The kernel tells neither:
 * so some listings are given without, and lookups in those directories show what their reader is after.
 */
export class AttributeDemand {
  /** Directories of the last listings without attributes. */
  readonly #trials = new Set<Ino>();
  #lookups = 0;
  #listings = 0;
  #wanted = false;

  /** A listing is read from `cookie`; true when it shall carry attributes. */
  listed(directory: Ino, cookie: number): boolean {
    if (cookie > 0) return !this.#trials.has(directory);
    this.#listings += 1;
    if (this.#wanted && this.#listings % trialEvery !== 0) {
      this.#trials.delete(directory);
      return true;
    }
    // The former trial is over: nobody asked, so nobody wants them.
    if (this.#wanted && this.#lookups === 0) this.#wanted = false;
    if (this.#wanted) this.#lookups = 0;
    if (this.#trials.size >= trialEvery) this.#trials.clear();
    this.#trials.add(directory);
    return false;
  }

  /** A name that exists was looked up. */
  lookedUp(directory: Ino): void {
    if (!this.#trials.has(directory)) return;
    this.#lookups += 1;
    if (this.#lookups >= enough) this.#wanted = true;
  }
}
