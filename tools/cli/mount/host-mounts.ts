/** Where a folder of the host lies: in which mount, and where on the file system that is mounted there. */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { O_PATH } from '../../vfs/index.js';

/** Climbs from a folder, given by a path without symlinks, to the root of its mount. */
export function topOfMount(folder: string): string {
  let at = folder;
  const mount = mountIdOf(at);
  while (at !== '/' && mountIdOf(dirname(at)) === mount) at = dirname(at);
  return at;
}

/**
 * Device and path of a folder on its file system, the same through whatever mount it is reached.
 *
 * @param folder  a path without symlinks
 * @param top     the root of its mount
 * @returns undefined where the system does not tell
 * @see proc_pid_mountinfo(5): mount id, parent, device, root of the mount within its file system
 */
export function placeOnDevice(folder: string, top: string): string | undefined {
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${mountIdOf(top)} `));
  const [, , device, root] = line?.split(' ') ?? [];
  if (device === undefined || root === undefined) return undefined;
  const unescaped = root.replace(/\\(\d{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return [device, unescaped, folder.slice(top.length)].join('/').replace(/\/+/g, '/').replace(/\/$/, '');
}

/** The device alone would not do: a folder can be mounted elsewhere on its own device. @see proc_pid_fdinfo(5) */
function mountIdOf(folder: string): string | undefined {
  const descriptor = openSync(folder, O_PATH | constants.O_DIRECTORY);
  try {
    return /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1];
  } finally {
    closeSync(descriptor);
  }
}
