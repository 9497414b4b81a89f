/**
 * The names that one directory shows, in an order that stays while the directory is known, seekable (union-semantics 48 to 60).
 *
 * Every name keeps its cookie as long as the listing lives, also while it is gone: a reader who goes on after a cookie
 * meets each lasting name exactly once and none twice.
 */
import type { ByteString } from '../core/index.js';
import type { DirectoryEntry, FileType, Ino } from '../vfs/index.js';

interface Slot {
  readonly cookie: number;
  readonly name: ByteString;
  entry: DirectoryEntry | undefined;
}

/** Removed names that are remembered beyond the live ones before they are dropped. */
const rememberedMax = 4096;

/** The names of one directory. */
export class Listing {
  #slots: Slot[] = [];
  readonly #byName = new Map<ByteString, Slot>();
  #lastCookie = 0;
  #live = 0;

  /** How many names show. */
  get size(): number {
    return this.#live;
  }

  set(name: ByteString, ino: Ino, type: FileType): void {
    let slot = this.#byName.get(name);
    if (!slot) {
      slot = { cookie: (this.#lastCookie += 1), name, entry: undefined };
      this.#slots.push(slot);
      this.#byName.set(name, slot);
    }
    if (!slot.entry) this.#live += 1;
    slot.entry = { name, ino, type, cookie: slot.cookie };
  }

  remove(name: ByteString): void {
    const slot = this.#byName.get(name);
    if (!slot?.entry) return;
    slot.entry = undefined;
    this.#live -= 1;
    if (this.#slots.length > 2 * this.#live + rememberedMax) this.#dropRemoved();
  }

  /** Entries behind a cookie; any number is a valid cookie. */
  after(cookie: number, limit: number): DirectoryEntry[] {
    const entries: DirectoryEntry[] = [];
    for (let at = this.#firstAfter(cookie); at < this.#slots.length && entries.length < limit; at += 1) {
      const entry = this.#slots[at]?.entry;
      if (entry) entries.push(entry);
    }
    return entries;
  }

  #firstAfter(cookie: number): number {
    let low = 0;
    let high = this.#slots.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#slots[middle]?.cookie ?? 0) > cookie) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #dropRemoved(): void {
    for (const slot of this.#slots) if (!slot.entry) this.#byName.delete(slot.name);
    this.#slots = this.#slots.filter((slot) => slot.entry);
  }
}
