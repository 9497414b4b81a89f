import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { EnvironmentError } from '../core/index.js';
import type { FileSystem } from '../vfs/index.js';

/** How a file system is mounted. */
export interface FuseMountOptions {
  /** Source as /proc/mounts shows it; the kind of the file system unless told otherwise. */
  readonly source?: string;
  /** Word behind `fuse.` in the type; `firmwright` unless told otherwise. */
  readonly subtype?: string;
  readonly readOnly?: boolean;
  /** Lets other users in; default for root, otherwise /etc/fuse.conf must allow it. */
  readonly allowOther?: boolean;
  /** A small process takes the mount away when this one dies. Default true. */
  readonly autoUnmount?: boolean;
  /** Further options of mount(8): `noexec`, `nodev`, ... */
  readonly options?: readonly string[];
  /** How long the kernel may keep names and attributes; an hour unless told otherwise. */
  readonly cacheSeconds?: number;
  /** The file system hears of every open, as one that copies up then needs. Default false: saves two requests a file. */
  readonly opens?: boolean;
  /** Called after an fsync, for what lies below the file system; an FsError is the answer of the fsync. */
  readonly onSync?: () => void;
  /** Told of errors that are bugs; the request answers EIO. */
  readonly onFault?: (error: unknown) => void;
}

const device = '/dev/fuse';
/** Mounts and unmounts for plain users; set-user-ID root. */
const unmounter = 'fusermount3';

/**
 * Puts together the arguments of libfuse, after a look at what would make the mount fail.
 *
 * @throws EnvironmentError FW_ENV_FUSE when the device is missing or may not be opened
 */
export function mountArguments(fileSystem: FileSystem, options: FuseMountOptions): string[] {
  checkDevice();
  const isRoot = process.getuid?.() === 0;
  const words = [
    `fsname=${escaped(options.source ?? fileSystem.kind)}`,
    `subtype=${escaped(options.subtype ?? 'firmwright')}`,
    'default_permissions',
    ...((options.allowOther ?? isRoot) ? ['allow_other'] : []),
    ...((options.readOnly ?? fileSystem.readOnly) ? ['ro'] : []),
    // Device nodes and set-user-ID bits of a router's root are what root wants to see at work.
    ...(isRoot ? ['dev', 'suid'] : []),
    ...(options.options ?? []),
  ];
  return ['firmwright', '-o', words.join(',')];
}

function checkDevice(): void {
  if (!existsSync(device)) {
    throw new EnvironmentError('FW_ENV_FUSE', `${device} is missing: this kernel or container has no FUSE`, {
      hint: 'modprobe fuse; in a container start it with --device /dev/fuse --cap-add SYS_ADMIN',
    });
  }
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
  } catch (cause) {
    throw new EnvironmentError('FW_ENV_FUSE', `${device} may not be opened by this user`, {
      hint: 'chmod 666 /dev/fuse, as distributions do, or run as root',
      cause,
    });
  }
  const folders = ['/usr/bin', '/bin', '/usr/local/bin'];
  if (process.getuid?.() === 0 || folders.some((folder) => existsSync(join(folder, unmounter)))) return;
  throw new EnvironmentError('FW_ENV_FUSE', `${unmounter} is missing: only root can mount without it`, {
    hint: 'apt-get install fuse3',
  });
}

/** libfuse takes a backslash before a comma. */
function escaped(text: string): string {
  return text.replace(/[\\,]/g, '\\$&');
}
