/**
 * Watches on union objects: they survive copy-up, which itself is silent, and name what changed by the union's names
 * (union-semantics 164 to 169). Events carry what inotify tells.
 */
import type { ByteString } from '../core/index.js';
import type { Ino } from '../vfs/index.js';

/** What happened to a watched object, or in a watched directory (then with a name). */
export interface WatchEvent {
  readonly kind: 'create' | 'delete' | 'moved-from' | 'moved-to' | 'modify' | 'attributes' | 'delete-self';
  /** The watched object. */
  readonly ino: Ino;
  /** Entry of the watched directory. */
  readonly name?: ByteString;
  /** Ties the two events of one rename together. */
  readonly cookie?: number;
}

/** Who hears of changes. */
export type Watcher = (event: WatchEvent) => void;

/** All watches of one union. */
export class WatchTable {
  readonly #watchers = new Map<Ino, Set<Watcher>>();
  #cookie = 0;

  /** Watches an object until the result is called. */
  add(ino: Ino, watcher: Watcher): () => void {
    const watchers = this.#watchers.get(ino) ?? new Set();
    this.#watchers.set(ino, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0) this.#watchers.delete(ino);
    };
  }

  /** Tells a change; `moved` events of one rename share a cookie made by `nextCookie`. */
  tell(kind: WatchEvent['kind'], ino: Ino, name?: ByteString, cookie?: number): void {
    if (this.#watchers.size === 0) return;
    const event: WatchEvent = {
      kind,
      ino,
      ...(name === undefined ? {} : { name }),
      ...(cookie === undefined ? {} : { cookie }),
    };
    for (const watcher of this.#watchers.get(ino) ?? []) watcher(event);
  }

  nextCookie(): number {
    return (this.#cookie += 1);
  }
}
