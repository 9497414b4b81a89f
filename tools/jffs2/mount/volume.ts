/** A mounted volume: the state that all parts of the mount share. `build.ts` fills it from the flash. */
import type { Clock } from '../../core/index.js';
import type { Operation, Task } from '../../vfs/index.js';
import type { Compression } from '../compression/compression.js';
import type { NodeOwner } from './block.js';
import type { InodeRecord } from './inode.js';
import { contentLock, volumeLock } from './locks.js';
import type { Space } from './space.js';
import { NodeWriter } from './write.js';
import { XattrStore } from './xattr.js';
import { ROOT_INO } from '../node/layout.js';
import type { Endian } from '../node/layout.js';

/** How a volume is mounted; see `MountOptions` for what each means. */
export interface VolumeRules {
  readonly endian: Endian;
  readonly summary: boolean;
  readonly endMarker: boolean;
  readonly cleanmarkerSize: number;
  readonly readOnly: boolean;
  readonly compression: Compression;
  readonly clock: Clock;
}

/** A mounted volume. */
export class Volume {
  readonly rules: VolumeRules;
  readonly space: Space;
  readonly writer: NodeWriter;
  readonly xattrs: XattrStore;
  readonly inodes = new Map<number, InodeRecord>();
  readonly notices: string[];
  /** Held for renames between two directories. */
  readonly renames = volumeLock('renames');
  highestIno = ROOT_INO;
  /** After the end of the mount. */
  ended = false;
  /** Next inode to check. */
  checkNext = ROOT_INO;

  constructor(
    rules: VolumeRules,
    space: Space,
    notices: string[],
    collect: (volume: Volume, task: Task) => Operation<void>,
  ) {
    this.rules = rules;
    this.space = space;
    this.notices = notices;
    this.xattrs = new XattrStore(space);
    this.writer = new NodeWriter(space, rules.summary, {
      collect: (task) => collect(this, task),
      forget: (owner) => this.forget(owner),
      notice: (text) => this.notices.push(text),
    });
  }

  /** Now, in the seconds that JFFS2 keeps. */
  now(): number {
    return Number(BigInt.asUintN(32, this.rules.clock.nowNs() / 1_000_000_000n));
  }

  /** Finds an inode that has nodes, or makes a record of it. */
  record(ino: number): InodeRecord {
    let record = this.inodes.get(ino);
    if (!record) {
      record = {
        kind: 'inode',
        ino,
        nodes: [],
        nlink: ino === ROOT_INO ? 1 : 0,
        state: 'unchecked',
        live: undefined,
        xattrs: [],
        xattrsChecked: false,
        content: contentLock(ino),
      };
      this.inodes.set(ino, record);
      this.highestIno = Math.max(this.highestIno, ino);
    }
    return record;
  }

  /** Drops what belongs to owners whose last node was erased. */
  forget(owner: NodeOwner): void {
    this.xattrs.forget(owner);
    if (!isInodeRecord(owner) || owner.nodes.length > 0) return;
    if (owner.nlink === 0 && !owner.live) this.inodes.delete(owner.ino);
  }
}

function isInodeRecord(owner: NodeOwner): owner is InodeRecord {
  return owner.kind === 'inode';
}
