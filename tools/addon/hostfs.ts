/**
 * System calls on files of the host that Node lacks. What Node has is not repeated here: `lstatSync(path, { bigint:
 * true })` (nanoseconds, rdev, blocks), `readdirSync(path, { encoding: 'buffer' })`, `linkSync`, `statfsSync`, and
 * `openSync` with `O_TMPFILE` all take paths as bytes.
 *
 * Every function throws NativeError FW_NATIVE_SYSTEM (or EnvironmentError when room or memory is lacking) with the
 * name of the errno in `data.errno`; `errnoOf` reads it. Symbolic links are never followed at the end of a path.
 */
import { bytesOf, FirmwrightError, zeroEndedStrings } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { callAddon } from './errors.js';
import { loadAddon } from './load.js';

interface HostfsAddon {
  listXattr(path: Uint8Array): Uint8Array;
  getXattr(path: Uint8Array, name: Uint8Array): Uint8Array;
  setXattr(path: Uint8Array, name: Uint8Array, value: Uint8Array, flags: number): void;
  removeXattr(path: Uint8Array, name: Uint8Array): void;
  makeNode(path: Uint8Array, mode: number, major: number, minor: number): void;
  setTimes(path: Uint8Array, atimeNs: bigint | undefined, mtimeNs: bigint | undefined): void;
  rename(from: Uint8Array, to: Uint8Array, flags: number): void;
  linkDescriptor(descriptor: number, path: Uint8Array): void;
  seek(descriptor: number, offset: number, hole: number): number;
  fallocate(descriptor: number, mode: number, offset: number, length: number): void;
  flock(descriptor: number, operation: number): boolean;
}

let loaded: HostfsAddon | undefined;
const addon = (): HostfsAddon =>
  (loaded ??= loadAddon<HostfsAddon>('hostfs', [
    'listXattr',
    'getXattr',
    'setXattr',
    'removeXattr',
    'makeNode',
    'setTimes',
    'rename',
    'linkDescriptor',
    'seek',
    'fallocate',
    'flock',
  ]));

/** Type bits of a mode. @see Linux include/uapi/linux/stat.h */
const typeBits = {
  file: 0o100000,
  char: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
  socket: 0o140000,
} as const;
const xattrFlags = { any: 0, create: 1, replace: 2 } as const;
/** @see Linux include/uapi/linux/falloc.h */
const fallocateModes = { allocate: 0, 'keep-size': 0x01, 'punch-hole': 0x03, zero: 0x10 } as const;
/** @see flock(2) */
const flockOperations = { shared: 1, exclusive: 2, unlock: 8 } as const;

/** Names the errno that made a call of the addon fail, or undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  const errno = error instanceof FirmwrightError ? error.data['errno'] : undefined;
  return typeof errno === 'string' ? errno : undefined;
}

/** Splits the device number of a Node `stat` into major and minor. @see glibc gnu_dev_major */
export function deviceNumberOf(rdev: bigint): { readonly major: number; readonly minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xffff_f000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n)),
  };
}

/** Lists the names of extended attributes, in the order of the file system. */
export function listXattrs(path: Uint8Array): ByteString[] {
  return zeroEndedStrings(callAddon(() => addon().listXattr(path)));
}

/** Reads the value of an extended attribute; errno ENODATA when it is not there. */
export function getXattr(path: Uint8Array, name: ByteString): Uint8Array {
  return callAddon(() => addon().getXattr(path, bytesOf(name)));
}

/** Sets an extended attribute; `create` and `replace` as in setxattr(2). */
export function setXattr(
  path: Uint8Array,
  name: ByteString,
  value: Uint8Array,
  mode: 'any' | 'create' | 'replace' = 'any',
): void {
  callAddon(() => addon().setXattr(path, bytesOf(name), value, xattrFlags[mode]));
}

/** Removes an extended attribute; errno ENODATA when it is not there. */
export function removeXattr(path: Uint8Array, name: ByteString): void {
  callAddon(() => addon().removeXattr(path, bytesOf(name)));
}

/**
 * Makes a node: a device (root only), FIFO, socket or empty file. The umask applies to `mode` (0o7777).
 */
export function makeNode(
  path: Uint8Array,
  type: 'file' | 'char' | 'block' | 'fifo' | 'socket',
  mode: number,
  rdev: { readonly major: number; readonly minor: number } = { major: 0, minor: 0 },
): void {
  callAddon(() => addon().makeNode(path, typeBits[type] | mode, rdev.major, rdev.minor));
}

/** Sets access and modification time in nanoseconds since 1970 UTC; undefined leaves one as it is. */
export function setTimes(path: Uint8Array, atimeNs: bigint | undefined, mtimeNs: bigint | undefined): void {
  callAddon(() => addon().setTimes(path, atimeNs, mtimeNs));
}

/** Renames as renameat2(2); errno EINVAL where the file system has not the flag. */
export function renameWithFlags(
  from: Uint8Array,
  to: Uint8Array,
  flags: { readonly noreplace?: boolean; readonly exchange?: boolean; readonly whiteout?: boolean } = {},
): void {
  const bits = (flags.noreplace ? 1 : 0) | (flags.exchange ? 2 : 0) | (flags.whiteout ? 4 : 0);
  callAddon(() => addon().rename(from, to, bits));
}

/** Gives a name to an open file without one, as made with O_TMPFILE. */
export function linkDescriptor(descriptor: number, path: Uint8Array): void {
  callAddon(() => addon().linkDescriptor(descriptor, path));
}

/** Finds the next data or hole at or after `offset`; errno ENXIO behind the end. Moves the file position. */
export function seekTo(descriptor: number, offset: number, whence: 'data' | 'hole'): number {
  return callAddon(() => addon().seek(descriptor, offset, whence === 'hole' ? 1 : 0));
}

/** Reserves, punches or zeroes a range, as fallocate(2); `punch-hole` keeps the size, `zero` may extend it. */
export function fallocate(
  descriptor: number,
  mode: 'allocate' | 'keep-size' | 'punch-hole' | 'zero',
  offset: number,
  length: number,
): void {
  callAddon(() => addon().fallocate(descriptor, fallocateModes[mode], offset, length));
}

/** Takes or gives back an advisory lock, as flock(2), without waiting; false when another holds it. */
export function flock(descriptor: number, operation: 'shared' | 'exclusive' | 'unlock'): boolean {
  return callAddon(() => addon().flock(descriptor, flockOperations[operation]));
}
