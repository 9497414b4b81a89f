/**
 * Brings an inode into memory from its nodes: checks their CRCs, decides which node covers what, drops what is hidden.
 *
 * @see jffs2-format.md 10; Linux 6.1 fs/jffs2/readinode.c
 */
import { byteString } from '../../core/index.js';
import { FsError, Lock, typeOfMode } from '../../vfs/index.js';
import type { FileType, Operation, Place, Task } from '../../vfs/index.js';
import type { NodeRef } from './block.js';
import { FragmentMap } from './fragments.js';
import type { DataNode } from './fragments.js';
import { DirectoryNames } from './inode.js';
import type { InodeRecord, LiveInode } from './inode.js';
import { locked, lockLevels, readStep } from './locks.js';
import type { Volume } from './volume.js';
import { decodeDevice } from '../node/device.js';
import { DT_DIR } from '../node/dirent-type.js';
import { CPU_PAGE_SIZE, INODE_SIZE, JFFS2_NAME_MAX, padToNode, ROOT_INO } from '../node/layout.js';
import { inodeDataIsValid, parseNode } from '../node/parse.js';
import type { DirentNode, InodeNode } from '../node/parse.js';

interface Candidate {
  readonly ref: NodeRef;
  readonly node: InodeNode;
}

/** Reads the bytes of a node. */
export function* readNode(
  volume: Volume,
  task: Task,
  ref: NodeRef,
  length = ref.length,
): Operation<Uint8Array> {
  if (task.stops) yield readStep;
  return volume.space.read(ref.block.offset + ref.offset, length);
}

/** Reads the header fields of an inode node again; undefined when it is damaged by now. */
export function* readInodeNode(volume: Volume, task: Task, ref: NodeRef): Operation<InodeNode | undefined> {
  if (ref.parsed?.kind === 'inode') return ref.parsed;
  const bytes = yield* readNode(volume, task, ref);
  const node = parseNode(bytes, 0, bytes.length, volume.rules.endian);
  return node.kind === 'inode' ? node : undefined;
}

/** State of a node whose checks passed: whether collection may copy it as it is. */
export function stateByRange(offset: number, dsize: number, isize: number): 'pristine' | 'normal' {
  if (dsize >= CPU_PAGE_SIZE) return 'pristine';
  return offset % CPU_PAGE_SIZE === 0 && offset + dsize === isize ? 'pristine' : 'normal';
}

/**
 * Loads an inode, or returns it when it is in memory.
 *
 * @throws FsError EIO when its nodes do not make an inode
 */
export function* loadInode(volume: Volume, task: Task, record: InodeRecord): Operation<LiveInode> {
  return record.live ?? (yield* locked(task, record.content, () => loadLocked(volume, task, record)));
}

/** Loads an inode whose content is locked. */
export function* loadLocked(volume: Volume, task: Task, record: InodeRecord): Operation<LiveInode> {
  if (record.live) return record.live;
  if (record.nlink === 0) throw new FsError('ESTALE', 'jffs2');
  const live = yield* new InodeLoader(volume, task, record).load();
  record.live = live;
  record.state = 'present';
  return live;
}

/** Makes the lock of an object; directories are locked before what is in them. */
export function objectLock(volume: Volume, record: InodeRecord, type: FileType): Lock {
  return type === 'directory'
    ? new Lock(lockLevels.directory, new DirectoryPlace(volume, record))
    : new Lock(lockLevels.file, { id: record.ino, above: undefined });
}

/** Where a directory stands; it moves when it is renamed. */
class DirectoryPlace implements Place {
  readonly id: number;
  readonly #volume: Volume;
  readonly #record: InodeRecord;

  constructor(volume: Volume, record: InodeRecord) {
    this.id = record.ino;
    this.#volume = volume;
    this.#record = record;
  }

  get above(): Place | undefined {
    if (this.id === ROOT_INO) return undefined;
    // The record of a directory keeps the number of its parent there.
    const parent = this.#volume.inodes.get(this.#record.nlink);
    return parent && new DirectoryPlace(this.#volume, parent);
  }
}

/**
 * Checks the nodes of an inode without keeping it in memory.
 *
 * @returns false when they were checked meanwhile
 */
export function checkInode(volume: Volume, task: Task, record: InodeRecord): Operation<boolean> {
  return locked(task, record.content, () => checkLocked(volume, task, record));
}

function* checkLocked(volume: Volume, task: Task, record: InodeRecord): Operation<boolean> {
  if (record.state !== 'unchecked') return false;
  try {
    yield* new InodeLoader(volume, task, record).load();
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    volume.notices.push(`Returned error for crccheck of ino #${record.ino}. Expect badness...`);
    // What could not be read must not be left unchecked for ever.
    for (const ref of [...record.nodes]) volume.space.markChecked(ref, 'normal');
  }
  record.state = 'absent';
  return true;
}

class InodeLoader {
  readonly #volume: Volume;
  readonly #task: Task;
  readonly #record: InodeRecord;
  readonly #names = new DirectoryNames();
  readonly #fragments: FragmentMap;
  #highestVersion = 0;
  #mctime = 0;
  #mctimeVersion = 0;

  constructor(volume: Volume, task: Task, record: InodeRecord) {
    this.#volume = volume;
    this.#task = task;
    this.#record = record;
    this.#fragments = new FragmentMap((ref) => volume.space.markObsolete(ref));
  }

  *load(): Operation<LiveInode> {
    const candidates = yield* this.#readNodes();
    const metadata = this.#newestMetadata(candidates);
    let latest = metadata;
    for (const candidate of yield* this.#inOrder(candidates)) {
      const { node, ref } = candidate;
      if (!(yield* this.#dataIsGood(candidate))) continue;
      this.#fragments.add({ ref, offset: node.offset, size: node.dsize, fragments: 0 });
      if (!latest || node.version > latest.node.version) latest = candidate;
    }
    if (metadata && latest !== metadata) this.#volume.space.markObsolete(metadata.ref);
    return yield* this.#assemble(latest, latest === metadata ? metadata : undefined);
  }

  /** Reads every live node; names are taken at once, inode nodes are returned. */
  *#readNodes(): Operation<Candidate[]> {
    const candidates: Candidate[] = [];
    for (const ref of [...this.#record.nodes].reverse()) {
      if (ref.state === 'obsolete') continue;
      const node = ref.parsed ?? (yield* this.#parse(ref));
      if (node?.kind === 'dirent') this.#takeDirent(ref, node);
      else if (node?.kind === 'inode') {
        if (this.#isPlausible(ref, node)) candidates.push({ ref, node });
      } else this.#volume.space.markObsolete(ref);
    }
    return candidates;
  }

  *#parse(ref: NodeRef): Operation<DirentNode | InodeNode | undefined> {
    const bytes = yield* readNode(this.#volume, this.#task, ref);
    const node = parseNode(bytes, 0, bytes.length, this.#volume.rules.endian);
    return node.kind === 'dirent' || node.kind === 'inode' ? node : undefined;
  }

  #takeDirent(ref: NodeRef, node: DirentNode): void {
    this.#volume.space.markChecked(ref, 'pristine');
    const { name, ino, type, version, mctime } = node;
    this.#highestVersion = Math.max(this.#highestVersion, version);
    if (mctime !== 0 && version > this.#mctimeVersion) {
      this.#mctime = mctime;
      this.#mctimeVersion = version;
    }
    const lost = this.#names.add({ name, ino, type, version, ref });
    if (lost) this.#volume.space.markObsolete(lost);
  }

  #isPlausible(ref: NodeRef, node: InodeNode): boolean {
    this.#highestVersion = Math.max(this.#highestVersion, node.version);
    if (ref.state === 'unchecked') {
      if (node.offset > node.isize || padToNode(INODE_SIZE + node.csize) !== padToNode(node.totlen)) {
        this.#volume.space.markObsolete(ref);
        return false;
      }
      if (node.csize === 0)
        this.#volume.space.markChecked(ref, stateByRange(node.offset, node.dsize, node.isize));
    }
    return true;
  }

  /** Finds the newest node without data; older ones say nothing any more. */
  #newestMetadata(candidates: readonly Candidate[]): Candidate | undefined {
    let newest: Candidate | undefined;
    for (const candidate of candidates) {
      if (candidate.node.dsize !== 0) continue;
      const older = newest && newest.node.version > candidate.node.version ? candidate : newest;
      if (older) this.#volume.space.markObsolete(older.ref);
      if (older !== candidate) newest = candidate;
    }
    return newest;
  }

  /** Data nodes, oldest first; of two with one version (an interrupted copy) the later in flash that is good. */
  *#inOrder(candidates: readonly Candidate[]): Operation<Candidate[]> {
    const byVersion = new Map<string, Candidate>();
    for (const candidate of candidates) {
      if (candidate.node.dsize === 0) continue;
      const { version, offset } = candidate.node;
      const key = `${version}:${offset}`;
      const other = byVersion.get(key);
      if (!other) byVersion.set(key, candidate);
      else if (yield* this.#dataIsGood(candidate)) {
        this.#volume.space.markObsolete(other.ref);
        byVersion.set(key, candidate);
      }
    }
    return [...byVersion.values()].sort((a, b) => a.node.version - b.node.version);
  }

  /** Checks the data of a node once; a node that fails becomes obsolete. */
  *#dataIsGood({ ref, node }: Candidate): Operation<boolean> {
    if (ref.state === 'obsolete') return false;
    if (ref.state !== 'unchecked') return true;
    const bytes = yield* readNode(this.#volume, this.#task, ref);
    if (!inodeDataIsValid(bytes, { ...node, nodeOffset: 0 })) {
      this.#volume.notices.push(
        `Data CRC failed on node at 0x${(ref.block.offset + ref.offset).toString(16)}`,
      );
      this.#volume.space.markObsolete(ref);
      return false;
    }
    this.#volume.space.markChecked(ref, stateByRange(node.offset, node.dsize, node.isize));
    return true;
  }

  *#assemble(latest: Candidate | undefined, metadata: Candidate | undefined): Operation<LiveInode> {
    const record = this.#record;
    const attributes = this.#attributes(latest);
    const type = typeOfMode(attributes.mode);
    if (!type) throw new FsError('EIO', 'jffs2');
    const live: LiveInode = {
      record,
      lock: objectLock(this.#volume, record, type),
      ...attributes,
      rdev: { major: 0, minor: 0 },
      target: byteString(new Uint8Array()),
      nlink: record.nlink,
      parent: record.ino,
      highestVersion: this.#highestVersion,
      metadata: metadata && { ref: metadata.ref, offset: 0, size: 0, fragments: 0 },
      fragments: this.#fragments,
      names: this.#names,
      holds: 0,
    };
    switch (type) {
      case 'directory':
        this.#finishDirectory(live, latest?.node.version ?? 0);
        break;
      case 'file':
        this.#finishFile(live);
        break;
      case 'symlink':
      case 'char':
      case 'block':
        yield* this.#finishSpecial(live);
        break;
      case 'fifo':
      case 'socket':
    }
    return live;
  }

  #attributes(
    latest: Candidate | undefined,
  ): Pick<LiveInode, 'mode' | 'uid' | 'gid' | 'size' | 'atime' | 'mtime' | 'ctime'> {
    if (latest) {
      const { mode, uid, gid, isize, atime, mtime, ctime } = latest.node;
      return { mode, uid, gid, size: isize, atime, mtime, ctime };
    }
    const hasNames = this.#names.all().next().done !== true;
    if (this.#record.ino !== ROOT_INO && !hasNames) throw new FsError('EIO', 'jffs2');
    // A directory that has names but no node is legal: this is what Linux makes up for it.
    return { mode: 0o40755, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0, ctime: 0 };
  }

  #finishDirectory(live: LiveInode, version: number): void {
    if (this.#mctimeVersion > version && version > 0) {
      live.mtime = this.#mctime;
      live.ctime = this.#mctime;
    }
    live.parent = this.#record.ino === ROOT_INO ? ROOT_INO : this.#record.nlink;
    live.nlink = this.#record.ino === ROOT_INO ? 3 : 2;
    for (const dirent of this.#names.listed()) if (dirent.type === DT_DIR) live.nlink += 1;
    live.size = 0;
  }

  #finishFile(live: LiveInode): void {
    const reached = this.#fragments.truncate(live.size);
    if (reached === live.size) return;
    this.#volume.notices.push(
      `Truncating ino #${live.record.ino} to ${live.size} bytes failed because it only had ${reached} bytes to start with!`,
    );
    live.size = reached;
  }

  /** Symlinks and devices keep their one data node as metadata. */
  *#finishSpecial(live: LiveInode): Operation<void> {
    const fragments = this.#fragments.all;
    const node = fragments[0]?.node;
    if (live.metadata || !node || fragments.length !== 1) throw new FsError('EIO', 'jffs2');
    const header = yield* readInodeNode(this.#volume, this.#task, node.ref);
    if (!header) throw new FsError('EIO', 'jffs2');
    const bytes = yield* readNode(this.#volume, this.#task, node.ref, INODE_SIZE + header.csize);
    const data = bytes.subarray(INODE_SIZE);
    if (typeOfMode(live.mode) === 'symlink') {
      if (header.csize > JFFS2_NAME_MAX) throw new FsError('ENAMETOOLONG', 'jffs2');
      if (live.size === 0) live.size = header.dsize;
      live.target = byteString(data);
    } else {
      const rdev = decodeDevice(data, this.#volume.rules.endian);
      if (!rdev) throw new FsError('EIO', 'jffs2');
      live.rdev = rdev;
    }
    this.#fragments.detach();
    const metadata: DataNode = { ref: node.ref, offset: 0, size: node.size, fragments: 0 };
    live.metadata = metadata;
  }
}
