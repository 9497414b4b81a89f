/** The FUSE addon: a mount that libfuse serves, with its requests handed to functions of ours. */
import { callAddon } from './errors.js';
import { loadAddon } from './load.js';

/**
 * Answers to the kernel's requests; see native/fuse-operations.cc. Nodes are the numbers that the handlers themselves
 * gave out in entries; 1 is the root. Names and targets are byte strings.
 *
 * A number is an errno, 0 is success with the answer in the reply block (layout: native/fuse-session.h). `readdir`
 * answers −(entries + 1) when it listed. A handler that is absent answers ENOSYS, one that throws EIO.
 */
export interface FuseHandlers {
  lookup(parent: number, name: string): number;
  forget(node: number, count: number): void;
  getattr(node: number): number;
  /** `mask` says which values count: 1 mode, 2 uid, 4 gid, 8 size, 16 atime, 32 mtime. */
  setattr(
    node: number,
    mask: number,
    mode: number,
    uid: number,
    gid: number,
    size: number,
    atimeNs: bigint,
    mtimeNs: bigint,
  ): number;
  readlink(node: number): number | string;
  /** `mode` has the type bits of stat(2); a regular file is made here too. */
  mknod(
    parent: number,
    name: string,
    mode: number,
    uid: number,
    gid: number,
    major: number,
    minor: number,
  ): number;
  mkdir(parent: number, name: string, mode: number, uid: number, gid: number): number;
  /** A file without a name, held until it is forgotten or linked. */
  tmpfile(parent: number, mode: number, uid: number, gid: number): number;
  unlink(parent: number, name: string): number;
  rmdir(parent: number, name: string): number;
  symlink(parent: number, name: string, target: string, uid: number, gid: number): number;
  /** `flags` of renameat2(2). */
  rename(parent: number, name: string, newParent: number, newName: string, flags: number): number;
  link(node: number, newParent: number, newName: string): number;
  /** Absent when nobody wants to hear of it: the kernel then opens by itself. */
  open?(node: number, writes: boolean): number;
  /** The bytes go to the memory for sending, their count to slot 0. */
  read(node: number, offset: number, size: number): number;
  /** `data` is valid during the call only; the count written goes to slot 0. */
  write(node: number, offset: number, data: Uint8Array): number;
  fsync(node: number): number;
  readdir(node: number, cookie: number, size: number, plus: boolean): number;
  statfs(node: number): number;
  setxattr(node: number, name: string, value: Uint8Array, flags: number): number;
  getxattr(node: number, name: string): number | Uint8Array;
  listxattr(node: number): number | Uint8Array;
  removexattr(node: number, name: string): number;
  fallocate(node: number, mode: number, offset: number, length: number): number;
  copyFileRange(from: number, fromOffset: number, to: number, toOffset: number, length: number): number;
  lseek(node: number, offset: number, data: boolean): number;
}

/** A session that is mounted. */
export interface NativeFuseSession {
  /** Takes the mount away at once, also a busy one: what is still open there fails with ENOTCONN. */
  abort(): void;
}

interface FuseAddon {
  mount(
    args: readonly string[],
    mountPoint: string,
    handlers: FuseHandlers,
    block: Uint8Array,
    receive: Uint8Array,
    send: Uint8Array,
    onEnd: () => void,
  ): NativeFuseSession;
}

/** Memory through which a session and its handlers exchange bytes. */
export interface FuseMemory {
  /** Answers of fixed shape, 8-byte aligned. */
  readonly block: Uint8Array;
  /** Bytes that were read: `fuseTransferSize`. */
  readonly send: Uint8Array;
}

/** Largest read or write of one request. */
export const fuseTransferSize = 1 << 20;
/** Bytes of the buffer that requests are read into: the largest write and its header, with room to spare. */
const receiveSize = fuseTransferSize + (1 << 16);

/**
 * Mounts a FUSE session that is served on Node's own loop; returns as soon as the kernel has the mount.
 *
 * @param args     arguments of libfuse, the first is the program's name
 * @param memory   belongs to the session until `onEnd`
 * @param onEnd    called once when the mount is gone, however it went
 * @throws EnvironmentError FW_ENV_ADDON_MISSING when the addon was built without libfuse3
 * @throws NativeError FW_NATIVE_SYSTEM, FW_NATIVE_LIBRARY when the mount is refused
 */
export function mountFuseSession(
  args: readonly string[],
  mountPoint: string,
  handlers: FuseHandlers,
  memory: FuseMemory,
  onEnd: () => void,
): NativeFuseSession {
  const addon = loadAddon<FuseAddon>('fuse', ['mount']);
  const receive = new Uint8Array(receiveSize);
  const { block, send } = memory;
  return callAddon(() => addon.mount(args, mountPoint, handlers, block, receive, send, onEnd), mountPoint);
}
