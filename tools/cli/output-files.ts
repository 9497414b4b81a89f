/** Files that verbs write: beside their place and renamed, so that no one ever sees half of one; `-` for standard output. */
import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import { UsageError } from '../core/index.js';
import type { Session } from './command.js';
import { standardStream } from './input-files.js';

/** Writes a result to the file that the command line names, or to standard output. @throws as `writeBeside` */
export function writeOutput(path: string, content: Uint8Array, session: Pick<Session, 'writeImage'>): void {
  if (path === standardStream) session.writeImage(content);
  else writeBeside(path, content);
}

/** Replaces a file, or writes into what is no regular file, such as a pipe. @throws as `writeInPlace` */
export function writeBeside(path: string, content: Uint8Array | string): void {
  writeInPlace(path, (beside, mode) => {
    // A pipe that nobody reads would stop the program right here; asked this way, the system says so.
    if (mode === undefined) closeSync(openSync(beside, constants.O_WRONLY | constants.O_NONBLOCK));
    const descriptor = openSync(beside, 'w', mode);
    try {
      const bytes = Buffer.from(content);
      for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done);
      if (mode !== undefined) fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

/**
 * Has a file written under another name and gives it its own when it is complete; a link stays a link.
 *
 * @param write  is given the path to write, and the mode; no mode where `path` is a pipe or a device, which is written as it
 *   is and never replaced
 * @throws UsageError FW_USAGE_FILE for a folder, and where there is no folder to write into; what `write` throws
 */
export function writeInPlace(path: string, write: (beside: string, mode: number | undefined) => void): void {
  const { target, mode } = outputPlace(path);
  const beside = mode === undefined ? target : `${target}.${process.pid}.part`;
  try {
    write(beside, mode);
    if (beside !== target) renameSync(beside, target);
  } catch (error) {
    if (beside !== target) rmSync(beside, { force: true });
    throw namedAs(path, beside, error);
  }
}

/**
 * Has an error of the system name the output as the user knows it, not the name under which it was written.
 *
 * @returns the same error; of a write the system names no file at all
 */
export function namedAs(path: string, beside: string, error: unknown): unknown {
  return error instanceof Error && 'syscall' in error
    ? Object.assign(error, { path, message: error.message.replaceAll(beside, path) })
    : error;
}

/**
 * Finds out where an output goes, before anything is computed.
 *
 * @returns the file behind the name, and the mode it is to have; no mode for what is no regular file
 */
export function outputPlace(path: string): { readonly target: string; readonly mode: number | undefined } {
  const target = endOfLinks(path);
  const found = statSync(target, { throwIfNoEntry: false });
  if (found?.isDirectory())
    throw new UsageError('FW_USAGE_FILE', `${path} is a folder where a file is to be written`, {
      hint: 'name a file in it',
    });
  if (found && !found.isFile()) return { target: path, mode: undefined };
  if (found) return { target, mode: found.mode & 0o777 };
  const folder = dirname(target);
  if (statSync(folder, { throwIfNoEntry: false }) === undefined)
    throw new UsageError('FW_USAGE_FILE', `${path} cannot be written: ${folder} is not there`, {
      hint: `mkdir -p ${folder}`,
    });
  return { target, mode: 0o666 };
}

/**
 * Follows the symbolic links of an output, as a shell's redirection does: also to a name that is not there yet.
 *
 * @returns `path` itself where it is no link
 * @throws the system's ELOOP
 */
export function endOfLinks(path: string): string {
  // Asked first: links in a circle end here.
  statSync(path, { throwIfNoEntry: false });
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return path;
  return endOfLinks(resolve(realpathSync(dirname(path)), readlinkSync(path)));
}

/** Says what a verb left of its image, where people may ask themselves. */
export function whatChanged(path: string, changed: boolean): string {
  return changed ? `${path}: done\n` : 'nothing was changed\n';
}
