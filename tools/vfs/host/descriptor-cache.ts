import type { HostCalls } from '../../addon/index.js';
import type { HostNode } from './host-node.js';

interface Opened {
  readonly descriptor: number;
  readonly writable: boolean;
}

/** Open descriptors for content, the least used one closed first, so that a read costs one system call. */
export class DescriptorCache {
  readonly #calls: HostCalls;
  readonly #limit: number;
  readonly #opened = new Map<HostNode, Opened>();

  constructor(calls: HostCalls, limit = 128) {
    this.#calls = calls;
    this.#limit = limit;
  }

  /** Finds an open descriptor that allows what is wanted. */
  get(node: HostNode, writable: boolean): number | undefined {
    const opened = this.#opened.get(node);
    if (!opened || (writable && !opened.writable)) return undefined;
    // Insertion order is the order of use.
    this.#opened.delete(node);
    this.#opened.set(node, opened);
    return opened.descriptor;
  }

  put(node: HostNode, descriptor: number, writable: boolean): void {
    this.drop(node);
    this.#opened.set(node, { descriptor, writable });
    if (this.#opened.size <= this.#limit) return;
    for (const oldest of this.#opened.keys()) {
      this.drop(oldest);
      break;
    }
  }

  drop(node: HostNode): void {
    const opened = this.#opened.get(node);
    if (!opened) return;
    this.#opened.delete(node);
    this.#calls.close(opened.descriptor);
  }

  clear(): void {
    for (const node of [...this.#opened.keys()]) this.drop(node);
  }
}
