import type { FileType } from '../vfs/index.js';

/** Type bits of a mode, as archives store them. @see POSIX.1-2017 <sys/stat.h>; Linux include/uapi/linux/stat.h */
export const typeBits: Readonly<Record<FileType, number>> = {
  socket: 0o140000,
  symlink: 0o120000,
  file: 0o100000,
  block: 0o060000,
  directory: 0o040000,
  char: 0o020000,
  fifo: 0o010000,
};

/** Finds the type that type bits stand for; undefined for none that Linux has. */
export function typeOfBits(bits: number): FileType | undefined {
  return (Object.keys(typeBits) as FileType[]).find((type) => typeBits[type] === bits);
}
