import type { FileType } from './file-system.js';

/** Type bits of st_mode. */
export const typeBits: Readonly<Record<FileType, number>> = {
  fifo: 0o010000,
  char: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
};
const typeOfBits = new Map(Object.entries(typeBits).map(([type, bits]) => [bits, type as FileType]));

/** Reads the type out of st_mode; undefined for bits that Linux does not have. */
export function typeOfMode(mode: number): FileType | undefined {
  return typeOfBits.get(mode & 0o170000);
}
