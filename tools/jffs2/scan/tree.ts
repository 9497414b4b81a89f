/**
 * Builds the tree of a scanned area: names by version, links, attributes; says what is left over or broken.
 *
 * @see SPEC.md "Building the tree"; Linux 6.6 fs/jffs2/build.c
 */
import { compareBytes, joinPath, textOf } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { newDirectory, typeOfMode } from '../../vfs/index.js';
import type { TreeDirectory, TreeInode } from '../../vfs/index.js';
import { comprName, DSIZE_MAX } from '../compression/compression.js';
import { decodeDevice } from '../node/device.js';
import { comprNumbers, CPU_PAGE_SIZE, JFFS2_NAME_MAX, padToNode, ROOT_INO } from '../node/layout.js';
import { inodeData } from '../node/parse.js';
import type { DirentNode, InodeNode, XattrNode, XrefNode } from '../node/parse.js';
import type { ScanArea, TreeNode } from './block.js';
import { FragmentContent, inodeState, nodeContent } from './inode.js';
import type { InodeState } from './inode.js';
import type { CompressionUse, ScanProblemKind } from './report.js';
import { attributesOf, collectXattrs } from './xattr.js';
import type { XattrIndex } from './xattr.js';

/** The tree and what went into it. */
export interface BuiltTree {
  readonly tree: TreeDirectory;
  readonly liveBytes: number;
  readonly supersededBytes: number;
  readonly deletedNames: number;
  readonly orphans: number;
  readonly compression: Readonly<Record<string, CompressionUse>>;
  /** Largest content of one data node; 0 when there is none. */
  readonly largestData: number;
}

/** Builds the tree from the nodes of all blocks, in the order of the scan. */
export function buildTree(area: ScanArea, nodes: readonly TreeNode[]): BuiltTree {
  return new TreeBuilder(area, nodes).build();
}

class TreeBuilder {
  readonly #area: ScanArea;
  readonly #inodes = new Map<number, InodeNode[]>();
  /** Per directory the newest dirent of each name, deletions included. */
  readonly #names = new Map<number, Map<ByteString, DirentNode>>();
  readonly #xattrs: XattrIndex;
  readonly #built = new Map<number, TreeInode | undefined>();
  readonly #compression: Record<string, { nodes: number; stored: number; content: number }> = {};
  #totalBytes = 0;
  #liveBytes = 0;
  #largestData = 0;

  constructor(area: ScanArea, nodes: readonly TreeNode[]) {
    this.#area = area;
    const xattrNodes: XattrNode[] = [];
    const xrefNodes: XrefNode[] = [];
    for (const node of nodes) {
      this.#totalBytes += padToNode(node.totlen);
      switch (node.kind) {
        case 'inode': {
          const known = this.#inodes.get(node.ino);
          if (known) known.push(node);
          else this.#inodes.set(node.ino, [node]);
          break;
        }
        case 'dirent':
          this.#addName(node);
          break;
        case 'xattr':
          xattrNodes.push(node);
          break;
        case 'xref':
          xrefNodes.push(node);
          break;
      }
    }
    this.#xattrs = collectXattrs(area, xattrNodes, xrefNodes);
  }

  /** Of equal versions the one scanned later wins. */
  #addName(node: DirentNode): void {
    let names = this.#names.get(node.pino);
    if (!names) this.#names.set(node.pino, (names = new Map<ByteString, DirentNode>()));
    const known = names.get(node.name);
    if (!known || node.version >= known.version) names.set(node.name, node);
  }

  build(): BuiltTree {
    const root = this.#inode(ROOT_INO, '/' as ByteString);
    const tree = root?.type === 'directory' ? root : newDirectory();
    if (root && root.type !== 'directory') {
      this.#problem('bad-inode', '/' as ByteString, undefined, 'inode 1, the root, is not a directory');
    }
    const queue: { ino: number; directory: TreeDirectory; path: ByteString }[] = [];
    queue.push({ ino: ROOT_INO, directory: tree, path: '/' as ByteString });
    for (let step = queue.shift(); step; step = queue.shift()) {
      const names = [...(this.#names.get(step.ino)?.values() ?? [])];
      names.sort((a, b) => compareBytes(a.name, b.name));
      for (const dirent of names) {
        if (dirent.ino === 0) {
          this.#liveBytes += padToNode(dirent.totlen);
          continue;
        }
        const path = joinPath(step.path, dirent.name);
        const inode = this.#entry(dirent, path);
        if (!inode) continue;
        step.directory.entries.set(dirent.name, inode);
        this.#liveBytes += padToNode(dirent.totlen);
        if (inode.type === 'directory') queue.push({ ino: dirent.ino, directory: inode, path });
      }
    }
    const liveBytes = this.#liveBytes + this.#xattrs.liveBytes(new Set(this.#built.keys()));
    return {
      tree,
      liveBytes,
      supersededBytes: this.#totalBytes - liveBytes,
      deletedNames: this.#deletedNames(),
      orphans: [...this.#inodes.keys()].filter((ino) => !this.#built.has(ino)).length,
      compression: this.#compression,
      largestData: this.#largestData,
    };
  }

  #deletedNames(): number {
    let count = 0;
    for (const names of this.#names.values()) {
      for (const dirent of names.values()) if (dirent.ino === 0) count += 1;
    }
    return count;
  }

  /** Returns the object that a live dirent names, unless the name or the object is not usable. */
  #entry(dirent: DirentNode, path: ByteString): TreeInode | undefined {
    const { name, ino, nodeOffset } = dirent;
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
      this.#problem('bad-name', path, nodeOffset, 'name that no directory can hold, left out');
      return undefined;
    }
    const isKnown = this.#built.has(ino);
    const inode = this.#inode(ino, path);
    if (!inode) {
      // What is wrong with an inode was said when it was first met.
      if (!isKnown && !this.#inodes.has(ino)) {
        this.#problem('missing-inode', path, nodeOffset, `inode ${ino} has no node: name left out`);
      }
      return undefined;
    }
    if (inode.type === 'directory' && isKnown) {
      this.#problem(
        'directory-linked-twice',
        path,
        nodeOffset,
        `inode ${ino} is a directory with another name already`,
      );
      return undefined;
    }
    return inode;
  }

  #inode(ino: number, path: ByteString): TreeInode | undefined {
    if (this.#built.has(ino)) return this.#built.get(ino);
    const inode = this.#buildInode(ino, path);
    this.#built.set(ino, inode);
    return inode;
  }

  #buildInode(ino: number, path: ByteString): TreeInode | undefined {
    const nodes = this.#inodes.get(ino);
    // A directory needs no node of its own; Linux invents its attributes.
    const isBare = ino === ROOT_INO || this.#names.has(ino);
    if (!nodes) return isBare ? newDirectory({ mtimeNs: this.#directoryTime(ino, undefined) }) : undefined;
    const state = inodeState(this.#area.bytes, nodes);
    for (const node of state?.badNodes ?? nodes) {
      const text = `${node.dsize} bytes at ${node.offset} of inode ${ino} fail their checksum: older content shows`;
      this.#problem('bad-data', path, node.nodeOffset, text);
    }
    if (!state) {
      if (isBare) return newDirectory();
      this.#problem(
        'bad-inode',
        path,
        nodes[0]?.nodeOffset,
        `inode ${ino} has no good node of version 1 or more`,
      );
      return undefined;
    }
    const inode = this.#fromState(ino, path, state);
    if (inode) for (const node of state.liveNodes) this.#count(node, path);
    return inode;
  }

  #fromState(ino: number, path: ByteString, state: InodeState): TreeInode | undefined {
    const { metadata } = state;
    const type = typeOfMode(metadata.mode);
    const common = {
      mode: metadata.mode & 0o7777,
      uid: metadata.uid,
      gid: metadata.gid,
      mtimeNs: BigInt(metadata.mtime) * 1_000_000_000n,
      xattrs: attributesOf(this.#xattrs, ino, path, this.#area),
    };
    const unusable = (text: string): TreeInode | undefined => {
      this.#problem('bad-inode', path, metadata.nodeOffset, `inode ${ino}: ${text}`);
      return undefined;
    };
    switch (type) {
      case undefined:
        return unusable(`mode 0${metadata.mode.toString(8)} is no file type`);
      case 'directory':
        return newDirectory({ ...common, mtimeNs: this.#directoryTime(ino, metadata) });
      case 'file':
        if (state.size < metadata.isize) {
          const text = `the last ${metadata.isize - state.size} bytes of ${metadata.isize} have no node: file cut`;
          this.#problem('cut-file', path, metadata.nodeOffset, text);
        }
        return { type, ...common, content: new FragmentContent(this.#area.bytes, state) };
      case 'symlink': {
        const target = inodeData(this.#area.bytes, metadata);
        if (target.length === 0 || target.length > JFFS2_NAME_MAX || target.includes(0)) {
          return unusable(`symlink target of ${target.length} bytes in its newest node`);
        }
        return { type, ...common, target: Buffer.from(target).toString('latin1') as ByteString };
      }
      case 'char':
      case 'block': {
        const rdev = this.#device(metadata);
        return rdev
          ? { type, ...common, rdev }
          : unusable('no device number of 2 or 4 bytes in its newest node');
      }
      case 'fifo':
      case 'socket':
        return { type, ...common };
    }
  }

  #device(node: InodeNode): ReturnType<typeof decodeDevice> {
    if (node.dsize !== 2 && node.dsize !== 4) return undefined;
    return decodeDevice(nodeContent(this.#area.bytes, node), this.#area.endian);
  }

  /** A directory shows the time of its newest dirent, unless its own node is newer. */
  #directoryTime(ino: number, metadata: InodeNode | undefined): bigint {
    let newest: DirentNode | undefined;
    // The root without a node always shows time 0.
    if (!metadata && ino === ROOT_INO) return 0n;
    for (const dirent of this.#names.get(ino)?.values() ?? []) {
      if (dirent.mctime !== 0 && dirent.version > (newest?.version ?? -1)) newest = dirent;
    }
    const isNewer = newest && newest.version > (metadata?.version ?? 0);
    return BigInt(isNewer && newest ? newest.mctime : (metadata?.mtime ?? 0)) * 1_000_000_000n;
  }

  /** Adds a live node to the figures, and says what a kernel would trip over. */
  #count(node: InodeNode, path: ByteString): void {
    this.#liveBytes += padToNode(node.totlen);
    if (node.dsize === 0) return;
    const name = comprName(node.compr);
    const use = (this.#compression[name] ??= { nodes: 0, stored: 0, content: 0 });
    use.nodes += 1;
    use.stored += node.csize;
    use.content += node.dsize;
    if (node.compr === comprNumbers.zero) return;
    this.#largestData = Math.max(this.#largestData, node.dsize);
    const supported = ['none', 'rtime', 'zlib', 'lzo', 'lzma'].includes(name);
    if (!supported || node.dsize > Math.max(DSIZE_MAX, node.csize)) {
      const text = supported
        ? `node claims ${node.dsize} bytes from ${node.csize}`
        : `${name} is not supported`;
      this.#problem('unsupported-compressor', path, node.nodeOffset, text);
    }
    const firstPage = Math.floor(node.offset / CPU_PAGE_SIZE);
    if (firstPage !== Math.floor((node.offset + node.dsize - 1) / CPU_PAGE_SIZE)) {
      const text = 'node crosses a page of 4096 bytes: Linux zeroes it at garbage collection';
      this.#problem('crosses-page', path, node.nodeOffset, text);
    }
  }

  #problem(kind: ScanProblemKind, path: ByteString, offset: number | undefined, text: string): void {
    const place = offset === undefined ? {} : { offset };
    this.#area.problems.add({ kind, ...place, path, text: `${textOf(path)}: ${text}` });
  }
}
