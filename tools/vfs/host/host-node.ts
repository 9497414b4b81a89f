import type { Attributes, Ino } from '../file-system.js';
import type { HostListing } from './host-listing.js';

/** One name of an object: the directory it stands in, and the name. */
export interface HostName {
  readonly directory: HostNode;
  readonly name: string;
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
  /** Its attributes, and how many changes had been made by then. */
  known: { readonly read: () => Attributes; readonly changes: number } | undefined;
}
