import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdirSync, rmSync, statSync } from 'node:fs';

/**
 * Mounts a padded copy of an image, calls back with the mount point, and unmounts.
 *
 * A loop device cuts a file to whole sectors, and the kernel then reports a bad super block: hence the copy.
 */
export function mounted<R>(image: string, mountPoint: string, use: (mountPoint: string) => R): R {
  const copy = `${image}.padded`;
  copyFileSync(image, copy);
  const over = statSync(copy).size % 4096;
  if (over > 0) appendFileSync(copy, new Uint8Array(4096 - over));
  mkdirSync(mountPoint, { recursive: true });
  execFileSync('mount', ['-o', 'loop,ro', '-t', 'squashfs', copy, mountPoint], { stdio: 'pipe' });
  try {
    return use(mountPoint);
  } finally {
    execFileSync('umount', [mountPoint]);
    rmSync(copy);
  }
}
