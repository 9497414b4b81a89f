/**
 * What a mount knows of an inode: the nodes it has on flash, and, once it was used, its attributes, content map and names.
 */
import type { ByteString } from '../../core/index.js';
import type { DeviceNumber, Lock } from '../../vfs/index.js';
import type { NodeOwner, NodeRef } from './block.js';
import type { DataNode, FragmentMap } from './fragments.js';
import type { XattrRef } from './xattr-nodes.js';

/** An inode that has nodes on flash. */
export interface InodeRecord extends NodeOwner {
  readonly kind: 'inode';
  readonly ino: number;
  /** Names of a file; for a directory the number of its parent. 0: no name left. */
  nlink: number;
  /** Whether its nodes were checked, and whether it is in memory. */
  state: 'unchecked' | 'absent' | 'present';
  live: LiveInode | undefined;
  xattrs: XattrRef[];
  /** Two references of one name were looked for. */
  xattrsChecked: boolean;
  /** Held by whoever reads, writes or moves its nodes. */
  readonly content: Lock;
}

/** What every inode node says beside the content. */
export interface InodeAttributes {
  /** Full st_mode. */
  mode: number;
  uid: number;
  gid: number;
  /** Seconds. */
  atime: number;
  mtime: number;
  ctime: number;
}

/** An inode in memory. */
export interface LiveInode extends InodeAttributes {
  readonly record: InodeRecord;
  /** Held by whoever uses the object. */
  readonly lock: Lock;
  size: number;
  rdev: DeviceNumber;
  target: ByteString;
  nlink: number;
  /** Directories: where `..` leads. */
  parent: number;
  highestVersion: number;
  /** The node that holds the attributes when it holds no file data. */
  metadata: DataNode | undefined;
  readonly fragments: FragmentMap;
  readonly names: DirectoryNames;
  /** How often it is held open. */
  holds: number;
}

/** A name in a directory, or its deletion. */
export interface Dirent {
  readonly name: ByteString;
  /** 0: deleted. */
  readonly ino: number;
  /** Type of a directory entry: see node/dirent-type.ts. */
  readonly type: number;
  readonly version: number;
  ref: NodeRef;
  /** Where the name stands in listings. */
  readonly position: number;
}

/** The names of one directory in listing order, and its deletions. */
export class DirectoryNames {
  readonly #entries = new Map<ByteString, Dirent>();
  #positions = 0;

  get(name: ByteString): Dirent | undefined {
    return this.#entries.get(name);
  }

  /** Finds a name that is not deleted. */
  live(name: ByteString): Dirent | undefined {
    const dirent = this.#entries.get(name);
    return dirent && dirent.ino !== 0 ? dirent : undefined;
  }

  /** All names and deletions, in order of their positions. */
  all(): IterableIterator<Dirent> {
    return this.#entries.values();
  }

  *listed(): Generator<Dirent> {
    for (const dirent of this.#entries.values()) if (dirent.ino !== 0) yield dirent;
  }

  get isEmpty(): boolean {
    return this.listed().next().done === true;
  }

  /**
   * Takes a dirent, unless a newer one of its name is known.
   *
   * @returns the node that lost: that of the older dirent, or undefined when the name is new
   */
  add(dirent: Omit<Dirent, 'position'>): NodeRef | undefined {
    const old = this.#entries.get(dirent.name);
    if (old && dirent.version < old.version) return dirent.ref;
    if (old && old.ino !== 0 && dirent.ino !== 0) {
      this.#entries.set(dirent.name, { ...dirent, position: old.position });
    } else {
      this.#entries.delete(dirent.name);
      this.#positions += 1;
      this.#entries.set(dirent.name, { ...dirent, position: this.#positions });
    }
    return old?.ref;
  }

  /** Finds the dirent whose node `ref` is. */
  byNode(ref: NodeRef): Dirent | undefined {
    for (const dirent of this.#entries.values()) if (dirent.ref === ref) return dirent;
    return undefined;
  }

  forget(name: ByteString): void {
    this.#entries.delete(name);
  }
}
