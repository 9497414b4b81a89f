/** Type bytes of directory entries: the type bits of st_mode, moved down. @see Linux 6.6 include/linux/fs_types.h */

/** Returns the type byte of an object with this st_mode. */
export function direntType(mode: number): number {
  return (mode & 0o170000) >> 12;
}

/** Type byte of a directory. */
export const DT_DIR = 4;
/** A regular file. */
export const DT_REG = 8;
