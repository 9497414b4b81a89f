/**
 * The objects of the folder that have been met: their numbers, the names that lead to them, and the descriptors that
 * keep those in reach whose last known name is gone.
 */
import type { HostCalls } from '../../addon/index.js';
import type { ByteString } from '../../core/index.js';
import { errnoNumbers, FsError } from '../errno.js';
import type { Attributes, Ino } from '../file-system.js';
import { AttributeBlock } from './host-attributes.js';
import { hostFailure } from './host-failure.js';
import type { HostName, HostNode } from './host-node.js';
import { O_NOFOLLOW, O_PATH } from './open-flags.js';

/** Numbers for objects of other devices start here; no file system of Linux goes so high in practice. */
const foreignNumbers = 2 ** 52;

/** Path of an object, and whether its last component is a link to follow. */
export type Place = [path: string, follow: boolean];

/** Finds objects by number and by name. */
export class HostObjects {
  readonly root: HostNode;
  /** What the last look at an object found. */
  readonly block = new AttributeBlock();
  /** Nobody else changes the folder: what is known holds until a change is made here. */
  readonly unshared: boolean;
  /** Counts the changes made here: what was known before one is void. */
  changes = 0;

  readonly #calls: HostCalls;
  readonly #device: number;
  readonly #nodes = new Map<Ino, HostNode>();
  readonly #foreign = new Map<string, Ino>();
  /** Hears of an object that is known no longer. */
  readonly #forgotten: (node: HostNode) => void;

  /** @throws FsError ENOENT, ENOTDIR, EACCES */
  constructor(calls: HostCalls, folder: ByteString, unshared: boolean, forgotten: (node: HostNode) => void) {
    this.#calls = calls;
    this.unshared = unshared;
    this.#forgotten = forgotten;
    // A descriptor keeps the folder when its path is renamed or mounted over. Who may not have a mount of his own
    // crosses into what is mounted inside.
    const apart = calls.openApart(folder);
    const anchor = apart < 0 ? calls.open(folder, O_PATH, 0) : apart;
    if (anchor < 0) throw hostFailure(-anchor, 'open', folder);
    const error = calls.stat(`/proc/self/fd/${anchor}/.`, false, this.block.slots);
    if (error !== 0) {
      calls.close(anchor);
      throw hostFailure(error, 'open', folder);
    }
    this.#device = this.block.device;
    this.root = this.#newNode([], anchor);
    this.root.holds = 1;
  }

  clear(): void {
    for (const node of this.#nodes.values()) if (node.anchor !== undefined) this.#calls.close(node.anchor);
    this.#nodes.clear();
  }

  has(ino: Ino): boolean {
    return this.#nodes.has(ino);
  }

  /** @throws FsError ESTALE for a number that was never met, or whose object is gone */
  node(ino: Ino, syscall: string): HostNode {
    const node = this.#nodes.get(ino);
    if (!node) throw new FsError('ESTALE', syscall);
    return node;
  }

  /** A directory in which names are to change. */
  directory(ino: Ino, syscall: string): HostNode {
    const node = this.node(ino, syscall);
    if (!node.isDirectory) throw new FsError('ENOTDIR', syscall);
    // The kernel would answer the same, but a path through a descriptor of a removed directory leads elsewhere.
    if (node.anchor !== undefined && node.names.length === 0 && node !== this.root)
      throw new FsError('ENOENT', syscall);
    return node;
  }

  path(node: HostNode): string {
    const [first] = node.names;
    if (first) return `${this.path(first.directory)}/${first.name}`;
    if (node.anchor === undefined) throw new FsError('ESTALE', 'path');
    return node.isDirectory ? `/proc/self/fd/${node.anchor}/.` : `/proc/self/fd/${node.anchor}`;
  }

  place(node: HostNode): Place {
    if (node.names.length > 0 || node.anchor === undefined) return [this.path(node), false];
    return [`/proc/self/fd/${node.anchor}`, true];
  }

  /** The place of an object, once it is sure that the object is still there. */
  checkedPlace(ino: Ino, syscall: string): Place {
    const node = this.node(ino, syscall);
    if (!this.unshared) this.stat(node, syscall);
    return this.place(node);
  }

  /** Reads the attributes into the block; another object under the name is ESTALE. */
  stat(node: HostNode, syscall: string): void {
    for (;;) {
      const error = this.#calls.stat(...this.place(node), this.block.slots);
      if (error === 0 && this.block.hostIno === node.hostIno && this.block.device === node.device) return;
      const gone = error === 0 || error === errnoNumbers.ENOENT || error === errnoNumbers.ENOTDIR;
      if (!gone) throw hostFailure(error, syscall);
      // Someone else removed this name; another one may still lead there.
      if (node.names.length < 2) throw new FsError('ESTALE', syscall);
      node.names.shift();
    }
  }

  /** Attributes of an object as they are now. */
  look(node: HostNode, syscall: string): Attributes {
    this.stat(node, syscall);
    return this.block.attributes(node.ino);
  }

  /** Attributes of an object as they are now, or as they are known to be still. */
  getattr(ino: Ino): Attributes {
    const node = this.node(ino, 'getattr');
    if (node.known?.changes === this.changes) return node.known.read();
    this.stat(node, 'getattr');
    return this.remember(node);
  }

  /** Attributes that are in the block, kept until the next change when nobody else makes one. */
  remember(node: HostNode): Attributes {
    const attributes = this.block.attributes(node.ino);
    if (this.unshared) node.known = { read: () => attributes, changes: this.changes };
    return attributes;
  }

  /** The object that a name leads to now. */
  nodeAt(directory: HostNode, name: string): HostNode | undefined {
    const error = this.#calls.stat(`${this.path(directory)}/${name}`, false, this.block.slots);
    return error === 0 ? this.met(directory, name) : undefined;
  }

  /** The object whose attributes are in the block has been met under a name. */
  met(directory: HostNode, name: string): HostNode {
    const { device, hostIno, isDirectory } = this.block;
    const known = this.#nodes.get(this.#inoFor(device, hostIno));
    // A number given again to an object of another kind: what was known of it is void.
    if (!known || known.isDirectory !== isDirectory) return this.#newNode([{ directory, name }]);
    if (!known.names.some((link) => link.directory === directory && link.name === name)) {
      if (isDirectory && known !== this.root) known.names = [{ directory, name }];
      else if (known !== this.root) known.names.unshift({ directory, name });
    }
    return known;
  }

  /** The file whose attributes are in the block has no name; a descriptor leads to it. */
  metNameless(descriptor: number): HostNode {
    return this.#newNode([], descriptor);
  }

  addName(node: HostNode, directory: HostNode, name: string): void {
    node.names.push({ directory, name });
    if (node.holds === 0 && node.anchor !== undefined) this.#closeAnchor(node, node.anchor);
    this.touch(directory);
  }

  forgetName(node: HostNode, directory: HostNode, name: string): void {
    node.names = node.names.filter((link) => link.directory !== directory || link.name !== name);
    this.touch(directory);
  }

  /** A name is gone; with the last one goes the object, unless a descriptor keeps it. */
  dropName(node: HostNode, directory: HostNode, name: string): void {
    this.forgetName(node, directory, name);
    if (node.names.length === 0 && node.holds === 0) this.#letGo(node);
  }

  /** Names in a directory changed. */
  touch(directory: HostNode): void {
    if (directory.listing) directory.listing.stale = true;
  }

  /**
   * A name is about to go: an object that is held, or has further names that were never met, gets a descriptor.
   * Its attributes are in the block.
   */
  anchor(node: HostNode, directory: HostNode, name: string): void {
    if (node.anchor !== undefined || node.names.length > 1) return;
    const moreNames = !node.isDirectory && this.block.nlink > 1;
    if (node.holds === 0 && !moreNames) return;
    const descriptor = this.#calls.open(`${this.path(directory)}/${name}`, O_PATH | O_NOFOLLOW, 0);
    if (descriptor >= 0) node.anchor = descriptor;
  }

  /** The name stayed after all. */
  unanchor(node: HostNode): void {
    if (node.anchor === undefined || node === this.root || node.names.length === 0) return;
    this.#closeAnchor(node, node.anchor);
  }

  release(ino: Ino): void {
    const node = this.#nodes.get(ino);
    if (!node || node === this.root) return;
    node.holds = Math.max(0, node.holds - 1);
    if (node.holds === 0) this.#letGo(node);
  }

  #letGo(node: HostNode): void {
    if (node.names.length > 0) {
      this.unanchor(node);
      return;
    }
    if (node.anchor !== undefined) {
      // Other names may exist that were never met: then the descriptor stays the way to the object.
      const error = this.#calls.stat(`/proc/self/fd/${node.anchor}`, true, this.block.slots);
      if (error === 0 && this.block.nlink > 0 && !node.isDirectory) return;
      this.#closeAnchor(node, node.anchor);
    }
    this.#forgotten(node);
    if (this.#nodes.get(node.ino) === node) this.#nodes.delete(node.ino);
  }

  #closeAnchor(node: HostNode, anchor: number): void {
    this.#calls.close(anchor);
    node.anchor = undefined;
  }

  #inoFor(device: number, hostIno: number): Ino {
    if (device === this.#device) return hostIno;
    const key = `${device}:${hostIno}`;
    const known = this.#foreign.get(key) ?? foreignNumbers + this.#foreign.size;
    this.#foreign.set(key, known);
    return known;
  }

  #newNode(names: HostName[], anchor?: number): HostNode {
    const { device, hostIno, isDirectory } = this.block;
    const node: HostNode = {
      ino: this.#inoFor(device, hostIno),
      device,
      hostIno,
      isDirectory,
      names,
      holds: 0,
      anchor,
      listing: undefined,
      known: undefined,
    };
    this.#nodes.set(node.ino, node);
    return node;
  }
}
