/** Node ids: what the kernel calls objects by, and how long each object is kept for it. */
import { FsError } from '../vfs/index.js';
import type { FileSystem, Ino } from '../vfs/index.js';

/** What the kernel knows an object by. */
interface Node {
  readonly id: number;
  readonly ino: Ino;
  /** How many entries were handed out and not forgotten. */
  lookups: number;
  /** The last name is gone; the object is held until the kernel forgets it. */
  held: boolean;
}

/**
 * The objects that the kernel knows: one node id an object, never given twice.
 *
 * A file system may give the number of a removed object to a new one; node ids only grow, so the two are not mixed
 * up. An object whose last name goes while the kernel knows it is held (`FileSystem.open`) until it is forgotten:
 * open files, working directories and mappings are in this way the kernel's own business.
 */
export class NodeTable {
  readonly #fileSystem: FileSystem;
  readonly #byId = new Map<number, Node>();
  readonly #byIno = new Map<Ino, Node>();
  #nextId = 2;

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem;
    const root = { id: 1, ino: fileSystem.root, lookups: Infinity, held: false };
    this.#byId.set(root.id, root);
    this.#byIno.set(root.ino, root);
  }

  get size(): number {
    return this.#byId.size;
  }

  /** @throws FsError ESTALE for a node that was forgotten */
  inoOf(id: number): Ino {
    const node = this.#byId.get(id);
    if (!node) throw new FsError('ESTALE', 'fuse');
    return node.ino;
  }

  /** Counts one entry handed out, and returns its node id. */
  remember(ino: Ino): number {
    let node = this.#byIno.get(ino);
    if (!node) {
      node = { id: this.#nextId++, ino, lookups: 0, held: false };
      this.#byId.set(node.id, node);
      this.#byIno.set(ino, node);
    }
    node.lookups += 1;
    return node.id;
  }

  forget(id: number, count: number): void {
    const node = this.#byId.get(id);
    if (!node) return;
    node.lookups -= count;
    if (node.lookups > 0) return;
    this.#byId.delete(id);
    if (this.#byIno.get(node.ino) === node) this.#byIno.delete(node.ino);
    if (node.held) this.#fileSystem.release(node.ino);
  }

  /** Does a change that may take the last name of an object, which then lives on while the kernel knows it. */
  whileRemoving(ino: Ino | undefined, change: () => void): void {
    const node = ino === undefined ? undefined : this.#byIno.get(ino);
    if (!node || node.held) {
      change();
      return;
    }
    this.#fileSystem.open(node.ino, 'read');
    try {
      change();
      node.held = this.#fileSystem.getattr(node.ino).nlink === 0;
      // A number that is free again belongs to the next object, not to this node.
      if (node.held) this.#byIno.delete(node.ino);
    } finally {
      if (!node.held) this.#fileSystem.release(node.ino);
    }
  }

  /** Takes up an object that was made without a name. */
  hold(ino: Ino): void {
    this.#fileSystem.open(ino, 'write');
    const node = { id: this.#nextId++, ino, lookups: 0, held: true };
    this.#byId.set(node.id, node);
    this.#byIno.set(ino, node);
  }

  /** An object without a name was given one again. */
  revived(id: number): void {
    const node = this.#byId.get(id);
    if (!node?.held) return;
    node.held = false;
    this.#byIno.set(node.ino, node);
    this.#fileSystem.release(node.ino);
  }

  /** The mount is gone: everything is let go of. */
  clear(): void {
    for (const node of this.#byId.values()) if (node.held) this.#fileSystem.release(node.ino);
    this.#byId.clear();
    this.#byIno.clear();
  }
}
