import type { HostCalls } from '../../addon/index.js';
import { zeroEndedStrings } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { errnoNumbers } from '../errno.js';
import type { Ino, XattrMode } from '../file-system.js';
import { checkXattrName, checkXattrValue } from '../xattr-names.js';
import { checkDone, hostFailure } from './host-failure.js';
import type { HostObjects } from './host-objects.js';

/** @see setxattr(2) */
const xattrModes = { any: 0, create: 1, replace: 2 } as const;

/** Extended attributes of the objects. */
export class HostXattrs {
  readonly #calls: HostCalls;
  readonly #objects: HostObjects;

  constructor(calls: HostCalls, objects: HostObjects) {
    this.#calls = calls;
    this.#objects = objects;
  }

  get(ino: Ino, name: ByteString): Uint8Array {
    checkXattrName(name, 'getxattr');
    const value = this.#calls.getxattr(...this.#objects.checkedPlace(ino, 'getxattr'), name);
    if (typeof value === 'number') throw hostFailure(value, 'getxattr', name);
    return value;
  }

  set(ino: Ino, name: ByteString, value: Uint8Array, mode: XattrMode): void {
    checkXattrName(name, 'setxattr');
    checkXattrValue(value, 'setxattr', name);
    const place = this.#objects.checkedPlace(ino, 'setxattr');
    checkDone(this.#calls.setxattr(...place, name, value, xattrModes[mode]), 'setxattr', name);
  }

  list(ino: Ino): readonly ByteString[] {
    const names = this.#calls.listxattr(...this.#objects.checkedPlace(ino, 'listxattr'));
    if (names === errnoNumbers.EOPNOTSUPP) return [];
    if (typeof names === 'number') throw hostFailure(names, 'listxattr');
    return zeroEndedStrings(names);
  }

  remove(ino: Ino, name: ByteString): void {
    checkXattrName(name, 'removexattr');
    const place = this.#objects.checkedPlace(ino, 'removexattr');
    checkDone(this.#calls.removexattr(...place, name), 'removexattr', name);
  }
}
