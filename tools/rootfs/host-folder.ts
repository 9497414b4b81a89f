/** What a folder of the host holds, by paths of bytes. */
import { closeSync, lstatSync, openSync, readSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { hostCalls, slotsOfStatus } from '../addon/index.js';
import { EnvironmentError, systemError, textOf, zeroEndedStrings } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { typeOfMode } from '../vfs/index.js';
import type { Content, HostFileRange, TreeInode } from '../vfs/index.js';
import { wrapHostError } from './root-source.js';

/** What one object of the host is. */
export interface HostStatus {
  readonly type: TreeInode['type'];
  /** Permission bits, 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly links: number;
  readonly major: number;
  readonly minor: number;
}

/** A name in a folder and what stands there. */
export interface HostEntry {
  readonly name: ByteString;
  readonly status: HostStatus;
}

/** Looks at one object; a symbolic link is meant itself. @throws EnvironmentError as `systemError` */
export function hostStatus(path: ByteString): HostStatus {
  const block = new Float64Array(slotsOfStatus);
  const errno = hostCalls().stat(path, false, block);
  if (errno !== 0) throw hostError('look at', path, errno);
  return statusOf(block, 0, path);
}

/** Lists a folder in no particular order. @throws EnvironmentError as `systemError`, also when a name cannot be looked at */
export function hostEntries(path: ByteString): HostEntry[] {
  const listing = hostCalls().list(path);
  if (typeof listing === 'number') throw hostError('list', path, listing);
  if (listing.refused !== 0) throw hostError('look at what is in', path, listing.refused);
  return zeroEndedStrings(listing.names).map((name, i) => ({
    name,
    status: statusOf(listing.attributes, i * slotsOfStatus, path),
  }));
}

function statusOf(block: Float64Array, at: number, path: ByteString): HostStatus {
  const mode = block[at + 2] ?? 0;
  const type = typeOfMode(mode);
  if (type === undefined)
    throw new EnvironmentError('FW_ENV_FILE', `${textOf(path)}: an object of mode ${mode.toString(8)}`);
  return {
    type,
    mode: mode & 0o7777,
    links: block[at + 3] ?? 0,
    uid: block[at + 4] ?? 0,
    gid: block[at + 5] ?? 0,
    major: block[at + 6] ?? 0,
    minor: block[at + 7] ?? 0,
    size: block[at + 8] ?? 0,
  };
}

/** Reads where a symbolic link leads. @throws EnvironmentError as `systemError` */
export function hostTarget(path: ByteString): ByteString {
  const target = hostCalls().readlink(path);
  if (typeof target === 'number') throw hostError('read the link', path, target);
  return target as ByteString;
}

/** Names the extended attributes of an object. @throws EnvironmentError as `systemError` */
export function hostXattrs(path: ByteString): ByteString[] {
  const names = hostCalls().listxattr(path, false);
  if (typeof names !== 'number') return zeroEndedStrings(names);
  // File systems without extended attributes have none to lose.
  if (errnoName(names) === 'EOPNOTSUPP' || errnoName(names) === 'ENOTSUP') return [];
  throw hostError('list the extended attributes of', path, names);
}

/** Reads an extended attribute of an object. @throws EnvironmentError as `systemError` */
export function hostXattr(path: ByteString, name: ByteString): Uint8Array {
  const value = hostCalls().getxattr(path, false, name);
  if (typeof value === 'number') throw hostError('read an extended attribute of', path, value);
  return value;
}

/** Tells objects apart exactly: the numbers of an overlay go beyond 53 bits. @throws EnvironmentError as `systemError` */
export function hostObjectKey(path: ByteString): string {
  return wrapHostError(textOf(path), () => {
    const { dev, ino } = lstatSync(Buffer.from(path, 'latin1'), { bigint: true });
    return `${dev}:${ino}`;
  });
}

function errnoName(errno: number): string {
  // Some calls answer it negative.
  return getSystemErrorName(-Math.abs(errno));
}

function hostError(step: string, path: ByteString, errno: number): EnvironmentError {
  const name = errnoName(errno);
  return systemError(name, `cannot ${step} ${textOf(path)}: ${name}`, { data: { path: textOf(path) } });
}

/** Content of a file of the host, by a path of bytes. */
export class HostContent implements Content {
  readonly size: number;
  readonly #path: ByteString;

  constructor(path: ByteString, size: number) {
    this.#path = path;
    this.size = size;
  }

  get hostFile(): HostFileRange {
    return { path: this.#path, offset: 0 };
  }

  read(offset: number, length: number): Uint8Array {
    const name = textOf(this.#path);
    return wrapHostError(name, () => {
      const buffer = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
      const descriptor = openSync(Buffer.from(this.#path, 'latin1'), 'r');
      try {
        for (let done = 0; done < buffer.length;) {
          const count = readSync(descriptor, buffer, done, buffer.length - done, offset + done);
          if (count === 0)
            throw new EnvironmentError('FW_ENV_FILE', `${name} became shorter while it was read`);
          done += count;
        }
      } finally {
        closeSync(descriptor);
      }
      return buffer;
    });
  }
}
