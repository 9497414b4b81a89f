/**
 * Storage besides the flash: a USB stick or a memory card with one file system, kept in memory.
 *
 * What was written to it is there after a power cut: its file system has a journal, and no write of it is modelled below
 * that of a file.
 */
import type { Clock } from '../../core/index.js';
import { memoryFromTree, newDirectory, type MemoryFileSystem, type TreeDirectory } from '../../vfs/index.js';

/** What a storage is. */
export interface StorageOptions {
  /** Name of its block device, without `/dev/`. */
  readonly device: string;
  /** As the kernel calls it: ext4, f2fs, vfat. */
  readonly type: string;
  readonly uuid: string;
  readonly label?: string;
  /** Seconds from power-on until the kernel has found it. */
  readonly readyAfterSeconds?: number;
  /** Room for content in bytes; default: 64 MiB. */
  readonly capacity?: number;
  /** What is on it at first. */
  readonly content?: TreeDirectory;
}

const defaultCapacity = 64 * 1024 ** 2;

/** A storage, plugged in or in the drawer; its content stays. */
export class Storage {
  readonly options: StorageOptions;
  plugged = true;
  #fs: MemoryFileSystem;

  /** @param fs  what is on it, instead of what the options say */
  constructor(options: StorageOptions, clock: Clock, fs?: MemoryFileSystem) {
    this.options = options;
    const capacity = options.capacity ?? defaultCapacity;
    this.#fs = fs ?? memoryFromTree(options.content ?? newDirectory(), { clock, capacity });
  }

  /** What is on it, as it is now. */
  get fs(): MemoryFileSystem {
    return this.#fs;
  }

  /** Mounts it; what was mounted before sees nothing of what comes. */
  mount(): MemoryFileSystem {
    this.#fs = this.#fs.clone();
    return this.#fs;
  }

  /** Makes a second one with the same content. */
  fork(clock: Clock): Storage {
    const fork = new Storage(this.options, clock, this.#fs.clone());
    fork.plugged = this.plugged;
    return fork;
  }
}
