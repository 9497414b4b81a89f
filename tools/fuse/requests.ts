/**
 * The kernel's requests answered by a `FileSystem`: each handler turns node ids into objects, calls the file system
 * once, and puts the answer into the reply block. An `FsError` becomes its errno.
 *
 * Permissions are the kernel's matter (`default_permissions`): a request arrives only when owner and mode allow it.
 */
import { fuseTransferSize } from '../addon/index.js';
import type { FuseHandlers, FuseMemory } from '../addon/index.js';
import type { ByteString } from '../core/index.js';
import { errnoNumbers, FsError, inheritedAttributes, readInto, typeOfMode } from '../vfs/index.js';
import type { AttributeChange, Attributes, FileSystem, FileType, Ino } from '../vfs/index.js';
import { NodeTable } from './nodes.js';
import { AttributeDemand } from './attribute-demand.js';
import { ENTRY_LIMIT, ReplyBlock } from './reply-block.js';

/** What the handlers need to know besides the file system. */
export interface RequestOptions {
  /** How long the kernel may keep names and attributes, in seconds. */
  readonly timeout: number;
  /** Told of an error that is no `FsError`: a bug; the request answers EIO. */
  readonly onFault: (error: unknown) => void;
  /** Called when the file system has synced. */
  readonly onSync: () => void;
  /** The file system hears of every open; otherwise the kernel opens by itself, which saves two requests a file. */
  readonly opens: boolean;
}

/** The handlers of one mount, with the memory they answer in. */
export interface RequestHandlers {
  readonly handlers: FuseHandlers;
  readonly memory: FuseMemory;
  readonly nodes: NodeTable;
}

const renameBits = { noreplace: 1, exchange: 2, whiteout: 4 };
const fallocateModes = new Map<number, 'allocate' | 'keep-size' | 'punch-hole' | 'zero'>([
  [0, 'allocate'],
  [1, 'keep-size'],
  [3, 'punch-hole'],
  [16, 'zero'],
]);
/** Directory records grow by the size of an entry with attributes when these are asked for. */
const plusSize = 128;

/** Makes the handlers for one mount of a file system. */
export function requestHandlers(
  fileSystem: FileSystem,
  { timeout, onFault, onSync, opens }: RequestOptions,
): RequestHandlers {
  const nodes = new NodeTable(fileSystem);
  const block = new ReplyBlock();
  const demand = new AttributeDemand();
  const send = new Uint8Array(fuseTransferSize);

  /** Does the work of a request; its errno when the file system answers one. */
  function answer<Result extends number | string | Uint8Array>(work: () => Result): Result | number {
    try {
      return work();
    } catch (error) {
      if (error instanceof FsError) return error.errno;
      onFault(error);
      return errnoNumbers.EIO;
    }
  }

  function entry(ino: Ino): 0 {
    const attributes = fileSystem.getattr(ino);
    block.entry(nodes.remember(ino), attributes, timeout);
    return 0;
  }

  function owned(
    parent: Ino,
    mode: number,
    uid: number,
    gid: number,
    type: FileType,
  ): ReturnType<typeof inheritedAttributes> {
    return inheritedAttributes(fileSystem.getattr(parent), { uid, gid }, mode & 0o7777, type);
  }

  function remove(parent: Ino, name: ByteString, change: () => void): 0 {
    nodes.whileRemoving(fileSystem.lookup(parent, name), change);
    return 0;
  }

  /** `.` and `..` take the first two cookies; those of the file system follow. */
  function list(directory: Ino, cookie: number, size: number, plus: boolean): number {
    let [used, count] = [0, 0];
    block.startNames();
    const fits = (name: string): boolean => {
      const record = (plus ? plusSize : 0) + ((24 + name.length + 7) & ~7);
      if (used + record > size || count === ENTRY_LIMIT) return false;
      used += record;
      return true;
    };
    const put = (name: string, ino: Ino, type: FileType, next: number, attributes?: Attributes): void => {
      if (attributes) block.entry(nodes.remember(ino), attributes, timeout, count);
      else block.plainEntry(ino, type, count);
      block.name(name, next, count);
      count += 1;
    };
    if (cookie < 1 && fits('.')) put('.', directory, 'directory', 1);
    if (cookie < 2 && fits('..')) put('..', fileSystem.parent(directory), 'directory', 2);
    const eager = plus && demand.listed(directory, cookie);
    const limit = Math.min(ENTRY_LIMIT, Math.floor(size / ((plus ? plusSize : 0) + 32)) + 1);
    for (const { name, ino, type, cookie: next } of fileSystem.readdir(
      directory,
      Math.max(0, cookie - 2),
      limit,
    )) {
      if (!fits(name)) break;
      // Directories are nearly always entered; their attributes save a request each.
      const wanted = eager || (plus && type === 'directory');
      put(name, ino, type, next + 2, wanted ? fileSystem.getattr(ino) : undefined);
    }
    return -(count + 1);
  }

  /** What a file system does at an open is done when it returns; the node table keeps the object from then on. */
  function open(node: number, writes: boolean): number {
    return answer(() => {
      const ino = nodes.inoOf(node);
      fileSystem.open(ino, writes ? 'write' : 'read');
      fileSystem.release(ino);
      return 0;
    });
  }

  const handlers: FuseHandlers = {
    lookup: (parent, name) =>
      answer(() => {
        const directory = nodes.inoOf(parent);
        const ino = fileSystem.lookup(directory, name as ByteString);
        if (ino !== undefined) {
          demand.lookedUp(directory);
          return entry(ino);
        }
        block.negativeEntry(timeout);
        return 0;
      }),
    forget: (node, count) => {
      nodes.forget(node, count);
    },
    getattr: (node) =>
      answer(() => {
        block.attributes(fileSystem.getattr(nodes.inoOf(node)), timeout);
        return 0;
      }),
    setattr: (node, mask, mode, uid, gid, size, atimeNs, mtimeNs) =>
      answer(() => {
        const change: AttributeChange = {
          ...(mask & 1 && { mode }),
          ...(mask & 2 && { uid }),
          ...(mask & 4 && { gid }),
          ...(mask & 8 && { size }),
          ...(mask & 16 && { atimeNs }),
          ...(mask & 32 && { mtimeNs }),
        };
        block.attributes(fileSystem.setattr(nodes.inoOf(node), change), timeout);
        return 0;
      }),
    readlink: (node) => answer(() => fileSystem.readlink(nodes.inoOf(node))),
    mknod: (parent, name, mode, uid, gid, major, minor) =>
      answer(() => {
        const type = typeOfMode(mode);
        if (type === undefined || type === 'directory' || type === 'symlink')
          throw new FsError('EINVAL', 'mknod', name);
        const directory = nodes.inoOf(parent);
        const node = { type, ...owned(directory, mode, uid, gid, type), rdev: { major, minor } };
        return entry(fileSystem.mknod(directory, name as ByteString, node));
      }),
    mkdir: (parent, name, mode, uid, gid) =>
      answer(() => {
        const directory = nodes.inoOf(parent);
        return entry(
          fileSystem.mkdir(directory, name as ByteString, owned(directory, mode, uid, gid, 'directory')),
        );
      }),
    tmpfile: (parent, mode, uid, gid) =>
      answer(() => {
        const directory = nodes.inoOf(parent);
        const ino = fileSystem.tmpfile(directory, owned(directory, mode, uid, gid, 'file'));
        nodes.hold(ino);
        return entry(ino);
      }),
    symlink: (parent, name, target, uid, gid) =>
      answer(() => {
        const directory = nodes.inoOf(parent);
        const inode = owned(directory, 0o777, uid, gid, 'symlink');
        return entry(fileSystem.symlink(directory, name as ByteString, target as ByteString, inode));
      }),
    unlink: (parent, name) =>
      answer(() => {
        const directory = nodes.inoOf(parent);
        return remove(directory, name as ByteString, () => {
          fileSystem.unlink(directory, name as ByteString);
        });
      }),
    rmdir: (parent, name) =>
      answer(() => {
        const directory = nodes.inoOf(parent);
        return remove(directory, name as ByteString, () => {
          fileSystem.rmdir(directory, name as ByteString);
        });
      }),
    rename: (parent, name, newParent, newName, flags) =>
      answer(() => {
        const [from, to] = [nodes.inoOf(parent), nodes.inoOf(newParent)];
        const replaced =
          (flags & renameBits.exchange) === 0 ? fileSystem.lookup(to, newName as ByteString) : undefined;
        nodes.whileRemoving(replaced, () => {
          fileSystem.rename(from, name as ByteString, to, newName as ByteString, {
            noreplace: (flags & renameBits.noreplace) !== 0,
            exchange: (flags & renameBits.exchange) !== 0,
            whiteout: (flags & renameBits.whiteout) !== 0,
          });
        });
        return 0;
      }),
    link: (node, newParent, newName) =>
      answer(() => {
        const ino = nodes.inoOf(node);
        fileSystem.link(ino, nodes.inoOf(newParent), newName as ByteString);
        nodes.revived(node);
        return entry(ino);
      }),
    ...(opens && { open }),
    read: (node, offset, size) =>
      answer(() => {
        const into = send.subarray(0, Math.min(size, send.length));
        block.number(readInto(fileSystem, nodes.inoOf(node), offset, into));
        return 0;
      }),
    write: (node, offset, data) =>
      answer(() => {
        block.number(fileSystem.write(nodes.inoOf(node), offset, data));
        return 0;
      }),
    fsync: (node) =>
      answer(() => {
        fileSystem.sync(nodes.inoOf(node));
        onSync();
        return 0;
      }),
    readdir: (node, cookie, size, plus) => answer(() => list(nodes.inoOf(node), cookie, size, plus)),
    statfs: () =>
      answer(() => {
        block.statistics(fileSystem.statfs());
        return 0;
      }),
    setxattr: (node, name, value, flags) =>
      answer(() => {
        const mode = flags & 1 ? 'create' : flags & 2 ? 'replace' : 'any';
        fileSystem.setxattr(nodes.inoOf(node), name as ByteString, value, mode);
        return 0;
      }),
    getxattr: (node, name) => answer(() => fileSystem.getxattr(nodes.inoOf(node), name as ByteString)),
    listxattr: (node) =>
      answer(() => {
        const names = fileSystem.listxattr(nodes.inoOf(node));
        return new Uint8Array(Buffer.from(names.map((name) => `${name}\0`).join(''), 'latin1'));
      }),
    removexattr: (node, name) =>
      answer(() => {
        fileSystem.removexattr(nodes.inoOf(node), name as ByteString);
        return 0;
      }),
    fallocate: (node, mode, offset, length) =>
      answer(() => {
        const kind = fallocateModes.get(mode);
        if (kind === undefined) throw new FsError('EOPNOTSUPP', 'fallocate');
        fileSystem.fallocate(nodes.inoOf(node), offset, length, kind);
        return 0;
      }),
    copyFileRange: (from, fromOffset, to, toOffset, length) =>
      answer(() => {
        const [source, target] = [nodes.inoOf(from), nodes.inoOf(to)];
        const data = fileSystem.read(source, fromOffset, Math.min(length, 1 << 20));
        block.number(data.length === 0 ? 0 : fileSystem.write(target, toOffset, data));
        return 0;
      }),
    lseek: (node, offset, data) =>
      answer(() => {
        block.number(fileSystem.seek(nodes.inoOf(node), offset, data ? 'data' : 'hole'));
        return 0;
      }),
  };
  return { handlers, memory: { block: block.bytes, send }, nodes };
}
