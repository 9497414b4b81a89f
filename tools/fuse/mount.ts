/**
 * A file system on a mount point: `mountFileSystem` and what can be done with the mount.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { resolve as resolvePath } from 'node:path';
import { mountFuseSession } from '../addon/index.js';
import type { NativeFuseSession } from '../addon/index.js';
import type { FileSystem } from '../vfs/index.js';
import { mountArguments } from './mount-arguments.js';
import type { FuseMountOptions } from './mount-arguments.js';
import { requestHandlers } from './requests.js';

/** A file system that is mounted; ends by itself when someone unmounts it. */
export class FuseMount implements AsyncDisposable {
  readonly mountPoint: string;
  /** Fulfilled when the mount is gone, however it went; what was written has then reached the file system. */
  readonly closed: Promise<void>;
  readonly #session: NativeFuseSession;
  readonly #guard: ChildProcess | undefined;
  #gone = false;

  constructor(fileSystem: FileSystem, mountPoint: string, options: FuseMountOptions) {
    this.mountPoint = resolvePath(mountPoint);
    let resolve = (): void => undefined;
    const ended = new Promise<void>((fulfil) => {
      resolve = fulfil;
    });
    const { handlers, memory, nodes } = requestHandlers(fileSystem, {
      timeout: options.cacheSeconds ?? 3600,
      onFault: options.onFault ?? (() => undefined),
      opens: options.opens ?? false,
      onSync: options.onSync ?? (() => undefined),
    });
    this.#session = mountFuseSession(
      mountArguments(fileSystem, options),
      mountPoint,
      handlers,
      memory,
      () => {
        this.#gone = true;
        this.#guard?.kill();
        nodes.clear();
        resolve();
      },
    );
    this.#guard = (options.autoUnmount ?? true) ? startGuard(this.mountPoint) : undefined;
    this.closed = ended.then(() => {
      if (!fileSystem.readOnly) fileSystem.sync();
    });
  }

  /**
   * Unmounts, serving requests meanwhile so that nothing is lost; a busy mount is detached and ends with its last
   * user. Fulfilled when the mount point is free again.
   */
  async unmount(): Promise<void> {
    if (this.#gone) return;
    if (!(await this.#runUnmount([]))) await this.#runUnmount(['-l']);
    // Detached yet still in use: the kernel ends it later. A mount that nobody could take away is cut off.
    if (!this.#isGone() && !(await this.#endsWithin(1000))) this.abort();
    await this.closed;
  }

  /** Takes the mount away at once; what is open there fails. */
  abort(): void {
    if (!this.#gone) this.#session.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unmount();
  }

  #isGone(): boolean {
    return this.#gone;
  }

  /** The kernel's helper does it in a process of its own: done here, it would wait for answers only we can give. */
  #runUnmount(flags: readonly string[]): Promise<boolean> {
    const [program, args] =
      process.getuid?.() === 0
        ? ['umount', [...flags, this.mountPoint]]
        : ['fusermount3', ['-u', ...(flags.length > 0 ? ['-z'] : []), this.mountPoint]];
    return new Promise((resolve) => {
      execFile(program, args, (error) => {
        resolve(error === null);
      });
    });
  }

  #endsWithin(milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve(false);
      }, milliseconds);
      void this.closed.then(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }
}

/**
 * Starts a process that outlives this one and takes the mount away should this one be killed: what the kernel leaves
 * then answers ENOTCONN to everybody until someone unmounts it. It looks first whether the mount really is dead, by
 * statfs: that is never answered from a cache, and waits while the kernel is still closing the device.
 */
function startGuard(mountPoint: string): ChildProcess {
  const unmount = process.getuid?.() === 0 ? 'umount -l' : 'fusermount3 -u -z';
  const script = `read -r _; stat -f "$1" >/dev/null 2>&1 || ${unmount} "$1" 2>/dev/null`;
  const guard = spawn('/bin/sh', ['-c', script, 'firmwright-guard', mountPoint], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  });
  guard.on('error', () => undefined);
  guard.unref();
  if (guard.stdin instanceof Socket) guard.stdin.unref();
  return guard;
}

/**
 * Mounts a file system; it is served by this process, on Node's loop, until someone unmounts it.
 *
 * The file system must not be changed in another way while it is mounted: the kernel keeps what it was told for
 * `cacheSeconds`.
 *
 * @param mountPoint  an existing directory of the host
 * @throws EnvironmentError FW_ENV_FUSE when /dev/fuse or the right to use it is missing; FW_ENV_ADDON_MISSING
 * @throws NativeError FW_NATIVE_SYSTEM, FW_NATIVE_LIBRARY when the kernel refuses
 */
export function mountFileSystem(
  fileSystem: FileSystem,
  mountPoint: string,
  options: FuseMountOptions = {},
): FuseMount {
  return new FuseMount(fileSystem, mountPoint, options);
}
