import { loadAddon } from './load.js';

/** Slots of a block that `stat` fills for one object. */
export const slotsOfStatus = 13;

/** What a directory holds: names, each ended by a zero byte, and the slots of `stat` for each. */
export interface HostNames {
  readonly names: string;
  readonly attributes: Float64Array;
  /** The errno of the first name that is there but could not be looked at, such as EACCES; 0 when there was none. */
  readonly refused: number;
}

/**
 * System calls on files of the host that Node lacks, or that Node answers by an exception. These answer an errno (0:
 * done): for a file system in a folder a failure is an ordinary answer, and must be cheap. Calls that give a count, an
 * offset or a descriptor answer the negative errno.
 *
 * Paths and names are byte strings. `follow` is for `/proc/self/fd/N`: everything else is meant itself, not what it
 * points to.
 */
export interface HostCalls {
  /** Fills the block: dev, ino, mode with type bits, nlink, uid, gid, major, minor, size, blocks; times in ns at 10 to 12 as int64. */
  stat(path: string, follow: boolean, block: Float64Array): number;
  /** Names in a directory, without `.` and `..`, with the attributes of each. */
  list(path: string): number | HostNames;
  open(path: string, flags: number, mode: number): number;
  /**
   * A descriptor of a directory that sees nothing of what is mounted inside it, as a layer of overlayfs does. EPERM
   * without CAP_SYS_ADMIN, EINVAL for an unbindable mount, ENOSYS before Linux 5.2. @see open_tree(2)
   */
  openApart(path: string): number;
  close(descriptor: number): number;
  read(descriptor: number, into: Uint8Array, offset: number): number;
  write(descriptor: number, data: Uint8Array, offset: number): number;
  seek(descriptor: number, offset: number, data: boolean): number;
  allocate(descriptor: number, mode: number, offset: number, length: number): number;
  /** Takes or gives back a lock, without waiting when `lockOperations.noWait` is in. */
  flock(descriptor: number, operation: number): number;
  sync(descriptor: number): number;
  syncAll(descriptor: number): number;
  unlink(path: string): number;
  rmdir(path: string): number;
  mkdir(path: string, mode: number): number;
  mknod(path: string, mode: number, major: number, minor: number): number;
  symlink(target: string, path: string): number;
  link(from: string, follow: boolean, path: string): number;
  rename(from: string, to: string, flags: number): number;
  chmod(path: string, mode: number): number;
  chown(path: string, follow: boolean, uid: number | undefined, gid: number | undefined): number;
  truncate(path: string, size: number): number;
  setTimes(path: string, follow: boolean, atimeNs: bigint | undefined, mtimeNs: bigint | undefined): number;
  readlink(path: string): number | string;
  getxattr(path: string, follow: boolean, name: string): number | Uint8Array;
  /** Names, each ended by a zero byte. */
  listxattr(path: string, follow: boolean): number | string;
  setxattr(path: string, follow: boolean, name: string, value: Uint8Array, flags: number): number;
  removexattr(path: string, follow: boolean, name: string): number;
  /** Fills the block: fragment size, blocks, free, available, files, files free, longest name. */
  statfs(path: string, block: Float64Array): number;
}

/** Operations of `flock`; EWOULDBLOCK when another holds the lock. @see flock(2) */
export const lockOperations = { shared: 1, exclusive: 2, noWait: 4, unlock: 8 } as const;

/**
 * Loads the calls.
 *
 * @throws EnvironmentError FW_ENV_ADDON_MISSING when the addon is not built
 */
export function hostCalls(): HostCalls {
  return loadAddon<{ calls: HostCalls }>('hostfs', ['calls']).calls;
}
