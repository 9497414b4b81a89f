import type { Ino } from '../file-system.js';

/** One name of an object: the directory it stands in, and the name. */
export interface HostName {
  readonly directory: HostNode;
  readonly name: string;
}

/** One name of a listing, with the cookie it keeps while it exists. */
export interface HostListingEntry {
  readonly name: string;
  readonly hostIno: number;
  readonly dType: number;
  cookie: number;
}

/** The listing of a directory that is being read. */
export interface HostListing {
  entries: HostListingEntry[];
  nextCookie: number;
  /** Names changed since it was made. */
  stale: boolean;
}

/** An object of the host folder that has been met. */
export interface HostNode {
  readonly ino: Ino;
  readonly device: number;
  readonly hostIno: number;
  readonly isDirectory: boolean;
  /** Names by which it was met and that are not known to be gone; the first one is used. */
  names: HostName[];
  holds: number;
  /** Descriptor that reaches the object after its last known name went; closed when nobody holds it. */
  anchor: number | undefined;
  listing: HostListing | undefined;
}
