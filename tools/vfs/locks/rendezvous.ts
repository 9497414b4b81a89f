import { FsError } from '../errno.js';

/**
 * Where the users of one socket or FIFO meet: the listener of a socket file, the pipe of a FIFO. It belongs to the object
 * that they reach, so it survives whatever happens to names and attributes.
 */
export class Rendezvous {
  #listener: object | undefined;
  #pipe: object | undefined;

  /** Takes the object as the address of a listener. @throws FsError EADDRINUSE while another listens */
  bind(listener: object): void {
    if (this.#listener !== undefined && this.#listener !== listener) throw new FsError('EADDRINUSE', 'bind');
    this.#listener = listener;
  }

  /** Finds who listens. @throws FsError ECONNREFUSED when nobody does */
  connect(): object {
    if (this.#listener === undefined) throw new FsError('ECONNREFUSED', 'connect');
    return this.#listener;
  }

  /** Ends a listener; one that does not listen here is left alone. */
  close(listener: object): void {
    if (this.#listener === listener) this.#listener = undefined;
  }

  /** The one pipe of a FIFO: made by whoever comes first, forgotten by `closePipe`. */
  pipe(make: () => object): object {
    return (this.#pipe ??= make());
  }

  /** Forgets the pipe once its last user has closed it; the next gets a new one. */
  closePipe(): void {
    this.#pipe = undefined;
  }
}
