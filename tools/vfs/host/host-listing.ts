import type { ByteString } from '../../core/index.js';
import type { DirectoryEntry } from '../file-system.js';

/** The names of a directory that is being read; each keeps its cookie while it exists. */
export class HostListing {
  /** Names changed since it was made. */
  stale = false;
  readonly #entries: readonly DirectoryEntry[];
  readonly #byName = new Map<string, DirectoryEntry>();
  #nextCookie: number;

  /** @param old  an earlier listing of the same directory, whose cookies stay valid */
  constructor(names: readonly Omit<DirectoryEntry, 'cookie'>[], old?: HostListing) {
    this.#nextCookie = old === undefined ? 1 : old.#nextCookie;
    const entries = names.map(({ name, ino, type }) => {
      const cookie = old?.get(name)?.cookie ?? this.#nextCookie++;
      return { name, ino, type, cookie };
    });
    this.#entries = old ? entries.sort((a, b) => a.cookie - b.cookie) : entries;
    for (const entry of this.#entries) this.#byName.set(entry.name, entry);
  }

  get(name: ByteString): DirectoryEntry | undefined {
    return this.#byName.get(name);
  }

  /** Entries behind a cookie, at most `limit`. */
  after(cookie: number, limit: number): readonly DirectoryEntry[] {
    if (cookie === 0 && limit >= this.#entries.length) return this.#entries;
    const first = this.#firstAfter(cookie);
    return this.#entries.slice(first, first + limit);
  }

  #firstAfter(cookie: number): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.cookie ?? Infinity) <= cookie) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
