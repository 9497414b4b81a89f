import type { Clock } from '../../core/index.js';
import type { NewInode } from '../file-system.js';

/** Limits and habits of a file system in memory; what is absent is unlimited. */
export interface MemoryOptions {
  /** Where times come from; stands still at 0 unless told otherwise. */
  readonly clock?: Clock;
  /** Room for file content in bytes, counted in pages of 4096; ENOSPC above it. */
  readonly capacity?: number;
  /** Most objects at one time, the root included; ENOSPC above it. */
  readonly inodeLimit?: number;
  /** Most names of one object; EMLINK above it. */
  readonly linkLimit?: number;
  /** Largest size of a file in bytes; EFBIG above it. */
  readonly fileSizeLimit?: number;
  /** `false`: xattrs answer EOPNOTSUPP, as on a file system built without them. */
  readonly xattrs?: boolean;
  /** `true`: whiteouts are entries of their own, as on the file systems of BSD. */
  readonly whiteouts?: boolean;
  /** `true`: the number of a removed object is given to the next new one, as ext4 and tmpfs may. */
  readonly reuseNumbers?: boolean;
  /** When reading sets the access time: never (default), or as `relatime` of Linux. */
  readonly atime?: 'never' | 'relatime';
  /** Attributes of the root; root:root 0755 unless told otherwise. */
  readonly root?: NewInode;
}
