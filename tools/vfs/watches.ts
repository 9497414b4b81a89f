/**
 * Watches as inotify(7) has them: events of an object go to its own watchers and, with the name, to those of the
 * directory it was reached through. The table belongs to whoever owns the objects; it sees only what it is told.
 */
import type { ByteString } from '../core/index.js';
import type { Ino } from './file-system.js';

/** Kinds of events, in inotify's words. */
export type WatchEventKind =
  | 'create'
  | 'delete'
  | 'delete-self'
  | 'moved-from'
  | 'moved-to'
  | 'move-self'
  | 'modify'
  | 'attrib'
  | 'open'
  | 'access'
  | 'close-write'
  | 'close-nowrite';

/** One event as a watcher gets it. */
export interface WatchEvent {
  readonly kind: WatchEventKind;
  readonly ino: Ino;
  /** Name in the watched directory; undefined when the watched object itself is meant. */
  readonly name?: ByteString;
  /** Ties a moved-from to its moved-to. */
  readonly cookie?: number;
  readonly isDirectory: boolean;
}

/** Receives the events of one watch. */
export type WatchListener = (event: WatchEvent) => void;

/** Watches by object. */
export class Watches {
  readonly #listeners = new Map<Ino, Set<WatchListener>>();
  #nextCookie = 1;

  /** True while anyone watches: lets an owner skip the work of telling. */
  get active(): boolean {
    return this.#listeners.size > 0;
  }

  /** Watches an object; the result ends the watch. */
  add(ino: Ino, listener: WatchListener): () => void {
    const own = this.#listeners.get(ino) ?? new Set();
    own.add(listener);
    this.#listeners.set(ino, own);
    return () => {
      own.delete(listener);
      if (own.size === 0) this.#listeners.delete(ino);
    };
  }

  /** Tells the watchers of one object. */
  emit(watched: Ino, event: WatchEvent): void {
    for (const listener of [...(this.#listeners.get(watched) ?? [])]) listener(event);
  }

  /** Tells of a rename: both directories, then the object. */
  emitMove(
    from: { readonly directory: Ino; readonly name: ByteString },
    to: { readonly directory: Ino; readonly name: ByteString },
    ino: Ino,
    isDirectory: boolean,
  ): void {
    const cookie = this.#nextCookie++;
    this.emit(from.directory, { kind: 'moved-from', ino, name: from.name, cookie, isDirectory });
    this.emit(to.directory, { kind: 'moved-to', ino, name: to.name, cookie, isDirectory });
    this.emit(ino, { kind: 'move-self', ino, isDirectory });
  }
}
