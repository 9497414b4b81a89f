/** Copies file content between layers: holes stay holes, in chunks, and it can be cancelled (union-semantics 71 to 75). */
import { FsError, writeAll } from '../vfs/index.js';
import type { FileSystem, Ino, Operation, Task } from '../vfs/index.js';
import { isUnsupported } from './abilities.js';
import { copyStep } from './steps.js';

const chunkSize = 1024 * 1024;

/** A file of a layer. */
export interface LayerFile {
  readonly fs: FileSystem;
  readonly ino: Ino;
}

/** Copies the first `size` bytes to an empty file, and sets its size. */
export function* copyContent(task: Task, from: LayerFile, to: LayerFile, size: number): Operation<void> {
  let offset = 0;
  let seekable = true;
  let written = 0;
  while (offset < size) {
    let end = size;
    if (seekable) {
      const range = dataRange(from, offset);
      if (range === undefined) seekable = false;
      else [offset, end] = [range.start, Math.min(range.end, size)];
    }
    while (offset < end) {
      yield copyStep;
      task.checkCancelled('copy-up');
      const bytes = from.fs.read(from.ino, offset, Math.min(chunkSize, end - offset));
      if (bytes.length === 0) throw new FsError('EIO', 'copy-up');
      writeAll(to.fs, to.ino, offset, bytes);
      offset += bytes.length;
      written = offset;
    }
  }
  if (written < size) to.fs.setattr(to.ino, { size });
}

/** The next stretch of data; undefined when the layer cannot tell. */
function dataRange(file: LayerFile, offset: number): { start: number; end: number } | undefined {
  try {
    const start = file.fs.seek(file.ino, offset, 'data');
    return { start, end: file.fs.seek(file.ino, start, 'hole') };
  } catch (error) {
    if (error instanceof FsError && error.code === 'ENXIO') return { start: Infinity, end: Infinity };
    if (isUnsupported(error)) return undefined;
    throw error;
  }
}
