/**
 * A volume as a mount finds it: the scan of all blocks filed in lists, the tree of inodes built from it.
 *
 * Order and classification follow Linux 6.1 fs/jffs2 (scan.c jffs2_scan_medium, build.c jffs2_build_filesystem).
 */
import type { Clock } from '../../core/index.js';
import { FsError, runStraight, Task } from '../../vfs/index.js';
import type { Operation } from '../../vfs/index.js';
import type { Compression } from '../compression/compression.js';
import { MINIMUM_BLOCKS } from './first-mount.js';
import type { EraseBlock, NodeOwner, NodeRef } from './block.js';
import type { InodeRecord } from './inode.js';
import { contentLock, volumeLock } from './locks.js';
import { ScanCache } from './scan.js';
import type { BlockScan, ScanStep } from './scan.js';
import { isDirty, Space } from './space.js';
import { NodeWriter } from './write.js';
import { XattrStore } from './xattr.js';
import { DT_DIR } from '../node/dirent-type.js';
import { INODE_SIZE, ROOT_INO, XREF_SIZE } from '../node/layout.js';
import type { Endian } from '../node/layout.js';
import { parseNode } from '../node/parse.js';
import type { SummaryEntry } from '../node/summary.js';

/** Free space below which a partly filled block is not written on. */
const MIN_NEXT_FREE = 2 * INODE_SIZE;

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

/** A name that the scan found, before its directory is in memory. */
interface ScannedName {
  readonly ino: number;
  readonly type: number;
  readonly version: number;
  readonly ref: NodeRef;
}

/** A mounted volume: what all parts of the mount share. */
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
  readonly #names = new Map<number, Map<string, ScannedName>>();
  #pseudoRandom = 0;
  #adopted: { block: EraseBlock; entries: SummaryEntry[] | undefined } | undefined;
  #erasedBlocks = 0;
  #endMarkerFound = false;

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

  /**
   * Scans all blocks and builds the tree.
   *
   * @throws FsError EINVAL below five blocks; EIO for what the kernel refuses
   */
  mount(cache: ScanCache): void {
    if (this.space.blocks.length < MINIMUM_BLOCKS) throw new FsError('EINVAL', 'mount');
    let ended = false;
    for (const block of this.space.blocks) {
      if (ended) {
        this.#file(block, 'erased');
        continue;
      }
      const scan = cache.scan(this.space.readBlock(block.index), block.index);
      for (const notice of scan.notices) this.notices.push(`block ${block.index}: ${notice}`);
      if (scan.incompatible === 'always' || (scan.incompatible === 'read-write' && !this.rules.readOnly))
        throw new FsError('EIO', 'mount');
      if (scan.verdict === 'end-marker') {
        ended = true;
        this.#endMarkerFound = true;
        this.notices.push(`End of filesystem marker found at 0x${block.offset.toString(16)}`);
      }
      this.#apply(block, scan);
    }
    this.#closeScan();
    if (this.#endMarkerFound && !this.rules.readOnly) this.#eraseBehindMarker();
    this.space.phase = 'building';
    this.#build();
    this.xattrs.build(this.inodes);
    this.#names.clear();
    this.#rotate();
    this.space.phase = 'mounted';
  }

  /**
   * From the last block down to that of the marker, which is how the scan put them on the list: a cut leaves the marker
   * where it is, and the next mount begins again. The lists are rotated only later (OpenWrt's end-marker patch).
   */
  #eraseBehindMarker(): void {
    const task = new Task(false);
    while (runStraight(this.space.eraseOne(task, (owner) => this.forget(owner))));
  }

  #apply(block: EraseBlock, scan: BlockScan): void {
    const entries: SummaryEntry[] = [];
    for (const step of scan.steps) this.#applyStep(block, step, entries);
    switch (scan.verdict) {
      case 'erased':
      case 'end-marker':
        this.#file(block, 'erased');
        return;
      case 'free':
      case 'nodes':
        this.#file(block, this.#classify(block), scan.summaryDisabled ? undefined : entries);
    }
  }

  #applyStep(block: EraseBlock, step: ScanStep, entries: SummaryEntry[]): void {
    const { space } = this;
    const { offset, length } = step;
    switch (step.kind) {
      case 'dirt':
        space.addDirt(block, length);
        return;
      case 'cleanmarker':
      case 'summary':
        space.link(block, offset, length, 'normal', undefined);
        return;
      case 'copied':
        space.link(block, offset, length, 'pristine', undefined);
        return;
      case 'listed':
        this.#applyListed(block, offset, length, step.entry);
        return;
      case 'node':
        break;
    }
    const { node } = step;
    const { totlen } = node;
    switch (node.kind) {
      case 'inode': {
        const { ino, version } = node;
        this.#pseudoRandom += version;
        space.link(block, offset, length, 'unchecked', this.record(ino), node);
        entries.push({ kind: 'inode', ino, version, offset, totlen });
        return;
      }
      case 'dirent': {
        const { pino, version, ino, type, name } = node;
        const state = ino === 0 ? 'normal' : 'pristine';
        const ref = space.link(block, offset, length, state, this.record(pino), node);
        this.#addName(pino, name, { ino, type, version, ref });
        entries.push({ kind: 'dirent', pino, version, ino, type, name, offset, totlen });
        return;
      }
      case 'xattr': {
        const { xid, version } = node;
        this.#linkDatum(block, offset, length, xid, version);
        entries.push({ kind: 'xattr', xid, version, offset, totlen });
        return;
      }
      case 'xref':
        this.#linkRef(block, offset, length, node.ino, node.xid, node.xseqno, 'pristine');
        entries.push({ kind: 'xref', offset });
    }
  }

  /** Files a node that a summary names; inodes and attributes are not read. */
  #applyListed(block: EraseBlock, offset: number, length: number, entry: SummaryEntry): void {
    const { space } = this;
    switch (entry.kind) {
      case 'inode':
        this.#pseudoRandom += entry.version;
        space.link(block, offset, length, 'unchecked', this.record(entry.ino));
        return;
      case 'dirent': {
        const ref = space.link(block, offset, length, 'unchecked', this.record(entry.pino));
        this.#addName(entry.pino, entry.name, {
          ino: entry.ino,
          type: entry.type,
          version: entry.version,
          ref,
        });
        return;
      }
      case 'xattr':
        this.#linkDatum(block, offset, length, entry.xid, entry.version);
        return;
      case 'xref': {
        const bytes = space.read(block.offset + offset, XREF_SIZE);
        const node = parseNode(bytes, 0, bytes.length, this.rules.endian);
        if (node.kind === 'xref')
          this.#linkRef(block, offset, length, node.ino, node.xid, node.xseqno, 'pristine');
        else space.addDirt(block, length);
      }
    }
  }

  #linkDatum(block: EraseBlock, offset: number, length: number, xid: number, version: number): void {
    const { datum, newest } = this.xattrs.addDatum(xid, version);
    this.space.link(block, offset, length, 'unchecked', datum);
    // The first node is the valid one.
    if (!newest) datum.nodes.push(...datum.nodes.splice(0, 1));
  }

  #linkRef(
    block: EraseBlock,
    offset: number,
    length: number,
    ino: number,
    xid: number,
    xseqno: number,
    state: 'pristine',
  ): void {
    // An inode number that a reference names is not given away again: the reference would get hold of the new inode.
    this.highestIno = Math.max(this.highestIno, ino);
    this.space.link(block, offset, length, state, this.xattrs.addRef(ino, xid, xseqno));
  }

  #addName(pino: number, name: string, found: ScannedName): void {
    this.#pseudoRandom += found.version;
    let names = this.#names.get(pino);
    if (!names) this.#names.set(pino, (names = new Map<string, ScannedName>()));
    const old = names.get(name);
    if (old && found.version < old.version) {
      this.space.markObsolete(found.ref);
      return;
    }
    names.set(name, found);
    if (old) this.space.markObsolete(old.ref);
  }

  #classify(block: EraseBlock): 'free' | 'clean' | 'partly' | 'all dirty' {
    const live = block.used + block.unchecked;
    if (live === this.space.cleanmarkerSize && block.dirty === 0 && block.nodes.length <= 1) return 'free';
    if (!isDirty(this.space.eraseSize - live)) {
      this.space.sums.dirty -= block.dirty;
      this.space.sums.wasted += block.dirty;
      block.wasted += block.dirty;
      block.dirty = 0;
      return 'clean';
    }
    return live > 0 ? 'partly' : 'all dirty';
  }

  #file(
    block: EraseBlock,
    state: 'erased' | 'free' | 'clean' | 'partly' | 'all dirty',
    entries?: SummaryEntry[],
  ): void {
    const { space } = this;
    switch (state) {
      case 'erased':
        this.#erasedBlocks += 1;
        space.erasePending.prepend(block);
        space.erasingCount += 1;
        return;
      case 'all dirty':
        space.erasePending.prepend(block);
        space.erasingCount += 1;
        return;
      case 'free':
        space.free.prepend(block);
        return;
      case 'clean':
        space.clean.prepend(block);
        return;
      case 'partly': {
        const best = this.#adopted?.block;
        if (block.free > MIN_NEXT_FREE && (!best || best.free < block.free)) {
          if (best) this.#fileDirty(best);
          this.#adopted = { block, entries };
        } else this.#fileDirty(block);
      }
    }
  }

  /** Gives up the free space of a partly filled block. */
  #fileDirty(block: EraseBlock): void {
    const { space } = this;
    space.addDirt(block, block.free);
    space.wasteToDirt(block);
    (space.isVeryDirty(block.dirty) ? space.veryDirty : space.dirty).prepend(block);
  }

  #closeScan(): void {
    const { space } = this;
    const adopted = this.#adopted;
    if (adopted) {
      const { block } = adopted;
      space.next = block;
      block.wasted += block.dirty;
      space.sums.wasted += block.dirty;
      space.sums.dirty -= block.dirty;
      block.dirty = 0;
      this.writer.adopt(adopted.entries);
    }
    if (space.erasingCount === 0 || space.sums.used > 0 || space.sums.unchecked > 0) return;
    if (space.free.length + this.#erasedBlocks === space.blocks.length) return;
    if (this.#endMarkerFound) return;
    this.notices.push('Cowardly refusing to erase blocks on filesystem with no valid JFFS2 nodes');
    throw new FsError('EIO', 'mount');
  }

  /** Counts links, drops what no name leads to. */
  #build(): void {
    this.record(ROOT_INO);
    const isDirectory = new Set<number>([ROOT_INO]);
    const directories = [...this.#names].sort(([a], [b]) => a - b);
    for (const [, names] of directories) {
      for (const [name, found] of names) {
        if (found.ino === 0) continue;
        const child = this.inodes.get(found.ino);
        if (!child) {
          this.space.markObsolete(found.ref);
          names.delete(name);
          continue;
        }
        child.nlink += 1;
        if (found.type === DT_DIR) isDirectory.add(found.ino);
      }
    }
    const dead = [...this.inodes.values()]
      .filter((record) => record.nlink === 0)
      .sort((a, b) => a.ino - b.ino);
    for (let record = dead.shift(); record; record = dead.shift()) dead.push(...this.#removeUnlinked(record));
    const parents = new Map<number, number>();
    for (const [pino, names] of directories) {
      if (!this.#names.has(pino)) continue;
      for (const { ino, type } of names.values()) {
        if (type !== DT_DIR || ino === 0 || !this.inodes.has(ino)) continue;
        if (parents.has(ino)) this.notices.push(`Directory inode #${ino} has more than one name`);
        else parents.set(ino, pino);
      }
    }
    for (const [ino, parent] of parents) {
      const record = this.inodes.get(ino);
      if (record && record.nlink > 0) record.nlink = parent;
    }
  }

  /** Makes all nodes of an inode without a name obsolete; returns the children that lost their last name by it. */
  #removeUnlinked(record: InodeRecord): InodeRecord[] {
    for (const ref of [...record.nodes]) this.space.markObsolete(ref);
    const orphans: InodeRecord[] = [];
    for (const { ino } of this.#names.get(record.ino)?.values() ?? []) {
      const child = ino === 0 ? undefined : this.inodes.get(ino);
      if (!child || child.nlink === 0) continue;
      child.nlink -= 1;
      if (child.nlink === 0) orphans.push(child);
    }
    this.#names.delete(record.ino);
    return orphans;
  }

  #rotate(): void {
    const { clean, veryDirty, dirty, erasable, erasePending, free } = this.space;
    for (const list of [clean, veryDirty, dirty, erasable, erasePending, free])
      if (list.length > 0) list.rotate((this.#pseudoRandom >>> 0) % list.length);
  }
}

function isInodeRecord(owner: NodeOwner): owner is InodeRecord {
  return owner.kind === 'inode';
}
