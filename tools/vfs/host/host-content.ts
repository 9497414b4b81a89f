import type { HostCalls } from '../../addon/index.js';
import { errnoNumbers, FsError } from '../errno.js';
import type { Ino } from '../file-system.js';
import { typeOfMode } from '../type-bits.js';
import { DescriptorCache } from './descriptor-cache.js';
import { checkDone, hostFailure } from './host-failure.js';
import type { HostNode } from './host-node.js';
import type { HostObjects } from './host-objects.js';
import { O_NOATIME, O_RDONLY, O_RDWR } from './open-flags.js';

/** @see Linux include/uapi/linux/falloc.h */
const fallocateModes = { allocate: 0, 'keep-size': 1, 'punch-hole': 3, zero: 16 } as const;

/** How a range is reserved; see `FileSystem.fallocate`. */
export type FallocateMode = keyof typeof fallocateModes;

/** Content of the files, through descriptors that stay open for the next call. */
export class HostContent {
  readonly #calls: HostCalls;
  readonly #objects: HostObjects;
  readonly #descriptors: DescriptorCache;

  constructor(calls: HostCalls, objects: HostObjects) {
    this.#calls = calls;
    this.#objects = objects;
    this.#descriptors = new DescriptorCache(calls);
  }

  drop(node: HostNode): void {
    this.#descriptors.drop(node);
  }

  clear(): void {
    this.#descriptors.clear();
  }

  readInto(ino: Ino, offset: number, into: Uint8Array): number {
    const descriptor = this.#descriptor(ino, false, 'read');
    let done = 0;
    while (done < into.length) {
      const count = this.#calls.read(descriptor, done === 0 ? into : into.subarray(done), offset + done);
      if (count < 0) throw hostFailure(-count, 'read');
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  write(ino: Ino, offset: number, data: Uint8Array): number {
    const count = this.#calls.write(this.#descriptor(ino, true, 'write'), data, offset);
    if (count < 0) throw hostFailure(-count, 'write');
    return count;
  }

  seek(ino: Ino, offset: number, whence: 'data' | 'hole'): number {
    const found = this.#calls.seek(this.#descriptor(ino, false, 'seek'), offset, whence === 'data');
    if (found < 0) throw hostFailure(-found, 'seek');
    return found;
  }

  fallocate(ino: Ino, offset: number, length: number, mode: FallocateMode): void {
    const descriptor = this.#descriptor(ino, true, 'fallocate');
    checkDone(this.#calls.allocate(descriptor, fallocateModes[mode], offset, length), 'fallocate');
  }

  /** Makes one object durable, or everything on the device of the folder. */
  sync(ino: Ino | undefined): void {
    const { root } = this.#objects;
    if (ino === undefined) {
      this.#syncBy((descriptor) => this.#calls.syncAll(descriptor), root);
      return;
    }
    const { type } = this.#objects.getattr(ino);
    // Nodes and symlinks have nothing of their own to write; opening them would do harm.
    if (type === 'file' || type === 'directory')
      this.#syncBy((descriptor) => this.#calls.sync(descriptor), this.#objects.node(ino, 'sync'));
  }

  #syncBy(call: (descriptor: number) => number, node: HostNode): void {
    const descriptor = this.#calls.open(this.#objects.place(node)[0], O_RDONLY, 0);
    if (descriptor < 0) throw hostFailure(-descriptor, 'sync');
    const error = call(descriptor);
    this.#calls.close(descriptor);
    checkDone(error, 'sync');
  }

  #descriptor(ino: Ino, writable: boolean, syscall: string): number {
    const node = this.#objects.node(ino, syscall);
    if (node.isDirectory) throw new FsError('EISDIR', syscall);
    const cached = this.#descriptors.get(node, writable);
    if (cached !== undefined) return cached;
    this.#objects.stat(node, syscall);
    if (typeOfMode(this.#objects.block.mode) !== 'file') throw new FsError('EINVAL', syscall);
    const [path] = this.#objects.place(node);
    const mode = writable ? O_RDWR : O_RDONLY | O_NOATIME;
    let descriptor = this.#calls.open(path, mode, 0);
    // Only the owner may ask for O_NOATIME.
    if (descriptor === -errnoNumbers.EPERM && !writable) descriptor = this.#calls.open(path, O_RDONLY, 0);
    if (descriptor < 0) throw hostFailure(-descriptor, syscall);
    this.#descriptors.put(node, descriptor, writable);
    return descriptor;
  }
}
