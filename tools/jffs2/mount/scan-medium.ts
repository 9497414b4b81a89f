/**
 * Scan of a whole partition: what each block holds is counted, and each block put on the list that the kernel would put it on.
 *
 * Order and classification follow Linux 6.1 fs/jffs2/scan.c, jffs2_scan_medium. What one block holds is found in scan.ts, the
 * tree is made of the names in build.ts.
 */
import { FsError } from '../../vfs/index.js';
import type { EraseBlock, NodeRef } from './block.js';
import type { BlockScan, ScanCache, ScanStep } from './scan.js';
import { isDirty } from './space.js';
import type { Space } from './space.js';
import type { Volume } from './volume.js';
import { INODE_SIZE, XREF_SIZE } from '../node/layout.js';
import { parseNode } from '../node/parse.js';
import type { SummaryEntry } from '../node/summary.js';

/** Free space below which a partly filled block is not written on. */
const MIN_NEXT_FREE = 2 * INODE_SIZE;

/** A name that the scan found, before its directory is in memory. */
export interface ScannedName {
  readonly ino: number;
  readonly type: number;
  readonly version: number;
  readonly ref: NodeRef;
}

/** The newest dirent of each name, by the number of the directory. */
export type ScannedNames = Map<number, Map<string, ScannedName>>;

/** What the scan of a partition leaves beside the nodes and blocks of the volume. */
export interface MediumScan {
  readonly names: ScannedNames;
  /** Sum of the versions; by it the lists of blocks are rotated. */
  readonly pseudoRandom: number;
  readonly endMarkerFound: boolean;
}

/**
 * Scans all blocks into the lists and counts of a volume.
 *
 * @throws FsError EIO for what the kernel refuses: incompatible nodes, a partition of foreign data
 */
export function scanMedium(volume: Volume, cache: ScanCache): MediumScan {
  return new MediumWalk(volume).run(cache);
}

class MediumWalk {
  readonly #volume: Volume;
  readonly #space: Space;
  readonly #names: ScannedNames = new Map();
  #pseudoRandom = 0;
  #adopted: { block: EraseBlock; entries: SummaryEntry[] | undefined } | undefined;
  #erasedBlocks = 0;
  #endMarkerFound = false;

  constructor(volume: Volume) {
    this.#volume = volume;
    this.#space = volume.space;
  }

  run(cache: ScanCache): MediumScan {
    const { rules, notices } = this.#volume;
    const space = this.#space;
    for (const block of space.blocks) {
      if (this.#endMarkerFound) {
        this.#file(block, 'erased');
        continue;
      }
      const scan = cache.scan(space.readBlock(block.index), block.index);
      for (const notice of scan.notices) notices.push(`block ${block.index}: ${notice}`);
      if (scan.incompatible === 'always' || (scan.incompatible === 'read-write' && !rules.readOnly))
        throw new FsError('EIO', 'mount');
      if (scan.verdict === 'end-marker') {
        this.#endMarkerFound = true;
        notices.push(`End of filesystem marker found at 0x${block.offset.toString(16)}`);
      }
      this.#apply(block, scan);
    }
    this.#close();
    return {
      names: this.#names,
      pseudoRandom: this.#pseudoRandom >>> 0,
      endMarkerFound: this.#endMarkerFound,
    };
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
    const space = this.#space;
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
        space.link(block, offset, length, 'unchecked', this.#volume.record(ino), node);
        entries.push({ kind: 'inode', ino, version, offset, totlen });
        return;
      }
      case 'dirent': {
        const { pino, version, ino, type, name } = node;
        const state = ino === 0 ? 'normal' : 'pristine';
        const ref = space.link(block, offset, length, state, this.#volume.record(pino), node);
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
    const space = this.#space;
    switch (entry.kind) {
      case 'inode':
        this.#pseudoRandom += entry.version;
        space.link(block, offset, length, 'unchecked', this.#volume.record(entry.ino));
        return;
      case 'dirent': {
        const ref = space.link(block, offset, length, 'unchecked', this.#volume.record(entry.pino));
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
        const node = parseNode(bytes, 0, bytes.length, this.#volume.rules.endian);
        if (node.kind === 'xref')
          this.#linkRef(block, offset, length, node.ino, node.xid, node.xseqno, 'pristine');
        else space.addDirt(block, length);
      }
    }
  }

  #linkDatum(block: EraseBlock, offset: number, length: number, xid: number, version: number): void {
    const { datum, newest } = this.#volume.xattrs.addDatum(xid, version);
    this.#space.link(block, offset, length, 'unchecked', datum);
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
    this.#volume.highestIno = Math.max(this.#volume.highestIno, ino);
    this.#space.link(block, offset, length, state, this.#volume.xattrs.addRef(ino, xid, xseqno));
  }

  #addName(pino: number, name: string, found: ScannedName): void {
    this.#pseudoRandom += found.version;
    let names = this.#names.get(pino);
    if (!names) this.#names.set(pino, (names = new Map<string, ScannedName>()));
    const old = names.get(name);
    if (old && found.version < old.version) {
      this.#space.markObsolete(found.ref);
      return;
    }
    names.set(name, found);
    if (old) this.#space.markObsolete(old.ref);
  }

  #classify(block: EraseBlock): 'free' | 'clean' | 'partly' | 'all dirty' {
    const live = block.used + block.unchecked;
    if (live === this.#space.cleanmarkerSize && block.dirty === 0 && block.nodes.length <= 1) return 'free';
    if (!isDirty(this.#space.eraseSize - live)) {
      this.#space.sums.dirty -= block.dirty;
      this.#space.sums.wasted += block.dirty;
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
    const space = this.#space;
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
    const space = this.#space;
    space.addDirt(block, block.free);
    space.wasteToDirt(block);
    (space.isVeryDirty(block.dirty) ? space.veryDirty : space.dirty).prepend(block);
  }

  #close(): void {
    const space = this.#space;
    const adopted = this.#adopted;
    if (adopted) {
      const { block } = adopted;
      space.next = block;
      block.wasted += block.dirty;
      space.sums.wasted += block.dirty;
      space.sums.dirty -= block.dirty;
      block.dirty = 0;
      this.#volume.writer.adopt(adopted.entries);
    }
    if (space.erasingCount === 0 || space.sums.used > 0 || space.sums.unchecked > 0) return;
    if (space.free.length + this.#erasedBlocks === space.blocks.length) return;
    if (this.#endMarkerFound) return;
    this.#volume.notices.push('Cowardly refusing to erase blocks on filesystem with no valid JFFS2 nodes');
    throw new FsError('EIO', 'mount');
  }
}
