/**
 * Plans an image: walks a tree once, checks what the format can hold, numbers the inodes, and lays everything out as
 * columns for the addon. No content is read here.
 *
 * Inodes are numbered so that every object comes before the directories that name it, and the objects of one
 * directory stand together, which keeps its listing short. The root is last.
 */
import type { NativePackJob } from '../addon/index.js';
import { bytesOf, compareBytes, FormatError, joinPath, textOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { TreeDirectory, TreeFile, TreeInode } from '../vfs/index.js';
import type { SquashfsWarning } from './options.js';

const none = 0xffff_ffff;
const u32 = 0xffff_ffff;

/** Basic inode types of the format, by kind of object. */
const typeNumbers = { directory: 1, file: 2, symlink: 3, block: 4, char: 5, fifo: 6, socket: 7 } as const;

/** Columns of the job that depend on the tree alone; sources are not among them. */
export type TreeColumns = Pick<
  NativePackJob,
  | 'types'
  | 'modes'
  | 'uids'
  | 'gids'
  | 'times'
  | 'linkCounts'
  | 'xattrSets'
  | 'references'
  | 'counts'
  | 'parents'
  | 'entryInodes'
  | 'entryNameOffsets'
  | 'names'
  | 'xattrs'
>;

/** A file whose content is to be packed, in path order; a hard-linked file stands here once. */
export interface PlannedFile {
  readonly file: TreeFile;
  /** Index of its inode. */
  readonly inode: number;
  /** First path that names it. */
  readonly path: ByteString;
}

/** A planned image. */
export interface ImagePlan {
  readonly columns: TreeColumns;
  readonly files: readonly PlannedFile[];
  readonly inodeCount: number;
  readonly warnings: readonly SquashfsWarning[];
}

/** What the plan takes of the options. */
export interface PlanOptions {
  readonly uniformTime: number | undefined;
  readonly xattrs: boolean;
}

/**
 * Plans the image of a tree.
 *
 * @throws FormatError FW_SQUASHFS_NAME for a name the format cannot hold, FW_SQUASHFS_LIMIT for a number beyond its
 *   fields, FW_SQUASHFS_TREE for a directory that stands in two places
 */
export function planImage(root: TreeDirectory, options: PlanOptions): ImagePlan {
  return new Planner(root, options).plan();
}

interface Frame {
  readonly directory: TreeDirectory;
  readonly path: ByteString;
  readonly names: readonly ByteString[];
  next: number;
}

interface Listing {
  readonly first: number;
  readonly count: number;
  readonly subdirectories: number;
  readonly parent: TreeDirectory | undefined;
}

class Planner {
  readonly #root: TreeDirectory;
  readonly #options: PlanOptions;
  readonly #numbers = new Map<TreeInode, number>();
  readonly #inodes: TreeInode[] = [];
  readonly #links: number[] = [];
  readonly #listings = new Map<TreeDirectory, Listing>();
  readonly #parents = new Map<TreeDirectory, TreeDirectory>();
  readonly #files: { file: TreeFile; path: ByteString }[] = [];
  readonly #seenFiles = new Set<TreeFile>();
  readonly #entryInodes: number[] = [];
  readonly #nameParts: string[] = [];
  readonly #nameOffsets: number[] = [0];
  #nameLength = 0;
  readonly #warnings: SquashfsWarning[] = [];
  readonly #xattrNumbers = new Map<string, number>();
  readonly #xattrSets: { name: Uint8Array; value: Uint8Array }[][] = [];

  constructor(root: TreeDirectory, options: PlanOptions) {
    this.#root = root;
    this.#options = options;
  }

  plan(): ImagePlan {
    this.#walk();
    const columns = this.#columns();
    const files = this.#files.map(({ file, path }) => ({ file, path, inode: this.#numberOf(file) }));
    return { columns, files, inodeCount: this.#inodes.length, warnings: this.#warnings };
  }

  #walk(): void {
    const stack = [this.#enter(this.#root, '/' as ByteString)];
    for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
      const name = frame.names[frame.next++];
      if (name === undefined) {
        this.#leave(frame);
        stack.pop();
        continue;
      }
      const inode = frame.directory.entries.get(name);
      if (inode === undefined) continue;
      const path = joinPath(frame.path, name);
      checkName(name, path);
      if (inode.type === 'directory') {
        if (inode === this.#root || this.#parents.has(inode)) {
          throw new FormatError(
            'FW_SQUASHFS_TREE',
            `directory ${textOf(path)} stands in two places of the tree`,
          );
        }
        this.#parents.set(inode, frame.directory);
        stack.push(this.#enter(inode, path));
      } else if (inode.type === 'file' && !this.#seenFiles.has(inode)) {
        this.#seenFiles.add(inode);
        this.#files.push({ file: inode, path });
      }
    }
    this.#number(this.#root, '/' as ByteString);
  }

  #enter(directory: TreeDirectory, path: ByteString): Frame {
    return { directory, path, names: [...directory.entries.keys()].sort(compareBytes), next: 0 };
  }

  /** All directories below are numbered with their contents: now the objects of this one. */
  #leave({ directory, path, names }: Frame): void {
    const first = this.#entryInodes.length;
    let subdirectories = 0;
    for (const name of names) {
      const inode = directory.entries.get(name);
      if (inode === undefined) continue;
      if (inode.type === 'directory') subdirectories += 1;
      const number = this.#numbers.get(inode) ?? this.#number(inode, joinPath(path, name));
      this.#links[number] = (this.#links[number] ?? 0) + 1;
      this.#entryInodes.push(number);
      this.#nameParts.push(name);
      this.#nameLength += name.length;
      this.#nameOffsets.push(this.#nameLength);
    }
    const parent = this.#parents.get(directory);
    this.#listings.set(directory, { first, count: names.length, subdirectories, parent });
  }

  #number(inode: TreeInode, path: ByteString): number {
    const number = this.#inodes.length;
    this.#numbers.set(inode, number);
    this.#inodes.push(inode);
    this.#links.push(0);
    checkInode(inode, path);
    return number;
  }

  #numberOf(inode: TreeInode): number {
    return this.#numbers.get(inode) ?? none;
  }

  #columns(): TreeColumns {
    const count = this.#inodes.length;
    const column = (): Uint32Array => new Uint32Array(count);
    const columns = {
      types: new Uint8Array(count),
      modes: new Uint16Array(count),
      uids: column(),
      gids: column(),
      times: column(),
      linkCounts: Uint32Array.from(this.#links),
      xattrSets: column().fill(none),
      references: column(),
      counts: column(),
      parents: column(),
    };
    const owners = new Set<number>();
    let clamped = 0;
    for (const [i, inode] of this.#inodes.entries()) {
      columns.types[i] = typeNumbers[inode.type];
      columns.modes[i] = inode.mode & 0o7777;
      columns.uids[i] = inode.uid;
      columns.gids[i] = inode.gid;
      owners.add(inode.uid).add(inode.gid);
      const seconds = this.#options.uniformTime ?? Number(inode.mtimeNs / 1_000_000_000n);
      const time = Math.min(Math.max(seconds, 0), u32);
      if (time !== seconds || (this.#options.uniformTime === undefined && inode.mtimeNs < 0n)) clamped += 1;
      columns.times[i] = time;
      if (inode.xattrs.size > 0 && this.#options.xattrs) columns.xattrSets[i] = this.#xattrSet(inode);
      if (inode.type === 'directory') {
        const listing = this.#listings.get(inode);
        columns.references[i] = listing?.first ?? 0;
        columns.counts[i] = listing?.count ?? 0;
        columns.linkCounts[i] = 2 + (listing?.subdirectories ?? 0);
        columns.parents[i] = listing?.parent ? this.#numberOf(listing.parent) + 1 : count + 1;
      } else if (inode.type === 'symlink') {
        columns.references[i] = this.#nameLength;
        columns.counts[i] = inode.target.length;
        this.#nameParts.push(inode.target);
        this.#nameLength += inode.target.length;
      } else if (inode.type === 'char' || inode.type === 'block') {
        const { major, minor } = inode.rdev;
        columns.references[i] = ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
      }
    }
    if (owners.size > 0xffff) {
      throw limit('/' as ByteString, `${owners.size} different owners and groups`, 'at most 65535');
    }
    if (clamped > 0) {
      this.#warnings.push({
        code: 'FW_SQUASHFS_TIME',
        message: `${clamped} objects have a time outside 1970 to 2106; the nearest that the format holds is stored`,
      });
    }
    return {
      ...columns,
      entryInodes: Uint32Array.from(this.#entryInodes),
      entryNameOffsets: Uint32Array.from(this.#nameOffsets),
      names: Buffer.from(this.#nameParts.join(''), 'latin1'),
      xattrs: this.#xattrSets,
    };
  }

  #xattrSet(inode: TreeInode): number {
    const kept = [...inode.xattrs].filter(([name]) => /^(user|trusted|security)\../.test(name));
    if (kept.length < inode.xattrs.size) {
      const left = [...inode.xattrs.keys()].filter((name) => !kept.some(([other]) => other === name));
      this.#warnings.push({
        code: 'FW_SQUASHFS_XATTR_SKIPPED',
        message: `xattr ${left.map(textOf).join(', ')} left out: squashfs holds user., trusted. and security. only`,
      });
    }
    if (kept.length === 0) return none;
    kept.sort(([a], [b]) => compareBytes(a, b));
    const key = JSON.stringify(kept.map(([name, value]) => [name, Buffer.from(value).toString('latin1')]));
    let number = this.#xattrNumbers.get(key);
    if (number === undefined) {
      number = this.#xattrSets.length;
      this.#xattrNumbers.set(key, number);
      this.#xattrSets.push(kept.map(([name, value]) => ({ name: bytesOf(name), value })));
    }
    return number;
  }
}

function checkName(name: ByteString, path: ByteString): void {
  const fault =
    name === ''
      ? 'is empty'
      : name.length > 255
        ? `has ${name.length} bytes, at most 255 fit`
        : name === '.' || name === '..'
          ? 'is reserved'
          : name.includes('/')
            ? 'holds a slash'
            : name.includes('\0')
              ? 'holds a zero byte'
              : undefined;
  if (fault !== undefined) {
    throw new FormatError('FW_SQUASHFS_NAME', `name ${JSON.stringify(textOf(name))} ${fault}`, {
      data: { path: textOf(path) },
    });
  }
}

function checkInode(inode: TreeInode, path: ByteString): void {
  for (const [what, id] of [
    ['uid', inode.uid],
    ['gid', inode.gid],
  ] as const) {
    if (!Number.isInteger(id) || id < 0 || id > u32) throw limit(path, `${what} ${id}`, `0 to ${u32}`);
  }
  if (inode.type === 'file' && !Number.isSafeInteger(inode.content.size)) {
    throw limit(path, `size ${inode.content.size}`, 'below 2^53');
  }
  if (inode.type === 'symlink' && (inode.target.length === 0 || inode.target.length > 4095)) {
    throw limit(path, `target of ${inode.target.length} bytes`, '1 to 4095');
  }
  if (inode.type === 'symlink' && inode.target.includes('\0')) {
    throw limit(path, 'target with a zero byte', 'none');
  }
  if (inode.type === 'char' || inode.type === 'block') {
    const { major, minor } = inode.rdev;
    if (major < 0 || major > 0xfff || minor < 0 || minor > 0xfffff) {
      throw limit(path, `device ${major}:${minor}`, 'at most 4095:1048575');
    }
  }
  for (const [name, value] of inode.xattrs) {
    if (name.length > 255) throw limit(path, `xattr name of ${name.length} bytes`, 'at most 255');
    if (value.length > 65536)
      throw limit(path, `xattr ${textOf(name)} of ${value.length} bytes`, 'at most 65536');
  }
}

function limit(path: ByteString, found: string, expected: string): FormatError {
  return new FormatError('FW_SQUASHFS_LIMIT', `${textOf(path)}: ${found}, squashfs holds ${expected}`, {
    data: { path: textOf(path), found, expected },
  });
}
