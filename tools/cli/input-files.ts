/** Files that verbs read: images and texts that the command line names, `-` for standard input. */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { formatSize, UsageError } from '../core/index.js';
import type { Session } from './command.js';

/** What `unpack` writes beside the pieces. */
export const descriptionName = 'firmwright-unpack.json';

/** The name of standard input and standard output on a command line. */
export const standardStream = '-';

/** Flash of the boards is far smaller; a larger file is a mistake and would only fill the memory. */
const imageLimit = 1024 ** 3;
/** The same for input that does not say its size before it ends. */
const streamLimit = 512 * 1024 ** 2;
/** Profiles, recipes, scenarios and keys are written by hand. */
const textLimit = 4 * 1024 ** 2;

/**
 * Reads an image that the command line names: a file, a pipe, or standard input.
 *
 * @throws UsageError FW_USAGE_FILE when it is empty, no file, or larger than any flash; the error of the system when it
 *   cannot be read; the signal's reason when it aborts
 */
export async function readInput(path: string, { signal }: Pick<Session, 'signal'>): Promise<Uint8Array> {
  const name = path === standardStream ? 'standard input' : path;
  const stream = path === standardStream ? process.stdin : openPipe(path);
  const bytes = stream === undefined ? readImage(path) : await readStream(stream, name, signal);
  if (bytes.length === 0)
    throw new UsageError('FW_USAGE_FILE', `${name} is empty where an image is expected`);
  return bytes;
}

/**
 * Reads an image that is a file, such as one that is changed in place.
 *
 * @throws as `readInput`; an empty file is none of its faults
 */
export function readImage(path: string): Uint8Array {
  return new Uint8Array(readRegular(path, imageLimit, 'an image'));
}

/**
 * Reads a text that someone wrote.
 *
 * @param what  is expected, such as `a recipe`
 * @throws as `readImage`; UsageError FW_USAGE_FILE for what is no UTF-8
 */
export function readText(path: string, what: string): string {
  const bytes = readRegular(path, textLimit, what);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError('FW_USAGE_FILE', `${path} is no UTF-8 text where ${what} is expected`, {
      hint: `iconv -t UTF-8 ${path}`,
      cause,
    });
  }
}

function readRegular(path: string, limit: number, what: string): Buffer {
  // A pipe without a writer would otherwise stop the program right here.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const place = fstatSync(descriptor);
    if (place.isDirectory()) throw wrongKind(path, 'a folder', what);
    if (!place.isFile()) throw wrongKind(path, 'no regular file', what);
    if (place.size > limit)
      throw new UsageError(
        'FW_USAGE_FILE',
        `${path} is too large for ${what}: ${formatSize(place.size)}, expected ${formatSize(limit)} at most`,
      );
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function wrongKind(path: string, found: string, what: string): UsageError {
  return new UsageError('FW_USAGE_FILE', `${path} is ${found} where ${what} is expected`, {
    hint: 'check the path on the command line',
  });
}

/** A stream of what ends but is no file: a pipe, a device; undefined for everything else. */
function openPipe(path: string): Readable | undefined {
  const place = statSync(path, { throwIfNoEntry: false });
  if (place === undefined || place.isFile() || place.isDirectory()) return undefined;
  if (!place.isFIFO()) throw wrongKind(path, 'a device or a socket', 'an image');
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd: descriptor, readable: true, writable: false });
}

async function readStream(stream: Readable, name: string, signal: AbortSignal): Promise<Uint8Array> {
  const stop = (): void => {
    stream.destroy(signal.reason instanceof Error ? signal.reason : undefined);
  };
  signal.throwIfAborted();
  signal.addEventListener('abort', stop, { once: true });
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > streamLimit)
        throw new UsageError('FW_USAGE_FILE', `${name} does not end after ${formatSize(streamLimit)}`);
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
