/** The content of files in memory, within the room and the largest size that the file system has. */
import { FsError } from '../errno.js';
import type { MemoryFile } from './inode.js';
import type { InodeTable } from './inode-table.js';

/**
 * Writes what there is room for; the file is one that may be changed.
 *
 * @returns how many bytes were written, at least one
 * @throws FsError EFBIG at the largest size, ENOSPC without any room
 */
export function writeContent(table: InodeTable, file: MemoryFile, offset: number, data: Uint8Array): number {
  const limit = table.fileSizeLimit;
  if (offset >= limit) throw new FsError('EFBIG', 'write');
  const end = file.bytes.fitting(offset, Math.min(offset + data.length, limit), table.freePages);
  if (end === offset) throw new FsError('ENOSPC', 'write');
  const count = end - offset;
  table.changeContent(file, (bytes) => {
    bytes.write(offset, count === data.length ? data : data.subarray(0, count));
  });
  return count;
}

/** Cuts a file or lengthens it by a hole; FsError EINVAL, EFBIG. */
export function resizeContent(table: InodeTable, file: MemoryFile, size: number): void {
  if (size < 0) throw new FsError('EINVAL', 'setattr');
  if (size > table.fileSizeLimit) throw new FsError('EFBIG', 'setattr');
  table.changeContent(file, (bytes) => {
    bytes.truncate(size);
  });
}

/**
 * Allocates or frees a range, as fallocate(2).
 *
 * @throws FsError EINVAL for an empty range, EFBIG, ENOSPC
 */
export function allocateContent(
  table: InodeTable,
  file: MemoryFile,
  offset: number,
  length: number,
  mode: 'allocate' | 'keep-size' | 'punch-hole' | 'zero',
): void {
  if (offset < 0 || length <= 0) throw new FsError('EINVAL', 'fallocate');
  const end = offset + length;
  if (mode !== 'punch-hole') {
    if (end > table.fileSizeLimit) throw new FsError('EFBIG', 'fallocate');
    if (file.bytes.missingPages(offset, end) > table.freePages) throw new FsError('ENOSPC', 'fallocate');
  }
  table.changeContent(file, (bytes) => {
    if (mode === 'punch-hole' || mode === 'zero') bytes.punch(offset, end);
    if (mode !== 'punch-hole') bytes.allocate(offset, end);
    if ((mode === 'allocate' || mode === 'zero') && end > bytes.size) bytes.truncate(end);
  });
}

/** Finds the next data or hole, as lseek(2); FsError ENXIO at the end of the file and behind. */
export function seekContent({ bytes }: MemoryFile, offset: number, whence: 'data' | 'hole'): number {
  const inside = offset >= 0 && offset < bytes.size;
  const found = !inside ? undefined : whence === 'data' ? bytes.nextData(offset) : bytes.nextHole(offset);
  if (found === undefined) throw new FsError('ENXIO', 'seek');
  return found;
}
