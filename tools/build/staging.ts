/**
 * A folder beside the results in which they are made. Nothing shows in the output folder until `commit` moves it all
 * there; whatever else happens, `discard` takes the folder away.
 */
import { mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { makeFolder } from '../rootfs/index.js';
import type { ManifestFile } from './manifest.js';
import { sha256Hex } from './squashfs-cache.js';
import { removeAbandonedStaging, stagingName } from './staging-name.js';

/** A file that another folder does not have, or has with other bytes; `offset` is that of the first one. */
export type ArtefactDifference =
  | { readonly file: string; readonly kind: 'missing' }
  | { readonly file: string; readonly kind: 'differs'; readonly offset: number };

/** Where `commit` puts the files that it replaces until all are in their places. */
const replacedFolder = 'old';

/** A staging folder inside the output folder, on the same file system. */
export class Staging {
  readonly #output: string;
  /** The output folder as it was given, for paths that people see. */
  readonly #given: string;
  readonly #folder: string;
  readonly #madeOutput: string | undefined;
  readonly #files = new Set<string>();
  /** Files on their way to the disk. */
  #writing: Promise<void>[] = [];

  private constructor(given: string, folder: string, madeOutput: string | undefined) {
    this.#given = given;
    this.#output = resolve(given);
    this.#folder = folder;
    this.#madeOutput = madeOutput;
  }

  /** Makes the output folder, if need be, and the staging folder in it. */
  static async open(output: string): Promise<Staging> {
    const madeOutput = makeFolder(output);
    if (madeOutput === undefined) await removeAbandonedStaging(resolve(output), replacedFolder);
    const folder = join(resolve(output), stagingName());
    await mkdir(folder, { mode: 0o700 });
    return new Staging(output, folder, madeOutput);
  }

  /** The staging folder itself, for temporary files. */
  get folder(): string {
    return this.#folder;
  }

  /** Where a staged file stands until it is committed. */
  pathOf(file: string): string {
    return join(this.#folder, 'files', file);
  }

  /** Stages a file under its final name, relative to the output folder. */
  async add(file: string, content: Uint8Array | string): Promise<void> {
    const path = this.pathOf(file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content, { mode: 0o644, flush: true });
    this.#files.add(file);
  }

  /**
   * Stages a file below a folder of the output, and says of it what manifests list.
   *
   * The disk goes on writing it while the build goes on; `settled` waits, and tells what went wrong.
   */
  addListed(folder: string, name: string, content: Uint8Array | string, type: string): ManifestFile {
    const written = this.add(join(folder, name), content);
    written.catch(() => undefined);
    this.#writing.push(written);
    const size = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
    return { name, type, size, sha256: sha256Hex(content) };
  }

  /** Waits until every staged file is on the disk. @throws what writing one of them met */
  async settled(): Promise<void> {
    const writing = this.#writing;
    this.#writing = [];
    const outcomes = await Promise.allSettled(writing);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** Compares every staged file with the one of its name in another folder. */
  async compareWith(folder: string): Promise<ArtefactDifference[]> {
    const differences: ArtefactDifference[] = [];
    for (const file of [...this.#files].sort()) {
      const mine = await readFile(this.pathOf(file));
      const theirs = await readIfThere(join(folder, file));
      if (theirs === undefined) differences.push({ file, kind: 'missing' });
      else if (!mine.equals(theirs)) {
        differences.push({ file, kind: 'differs', offset: firstDifference(mine, theirs) });
      }
    }
    return differences;
  }

  /** Moves every staged file to its place; when one cannot be moved, everything is put back as it was. */
  async commit(): Promise<string[]> {
    const files = [...this.#files].sort();
    const undo: (() => Promise<void>)[] = [];
    try {
      for (const file of files) {
        const place = join(this.#output, file);
        const old = join(this.#folder, replacedFolder, file);
        await mkdir(dirname(place), { recursive: true });
        await mkdir(dirname(old), { recursive: true });
        if (await moveIfThere(place, old)) undo.push(() => rename(old, place));
        await rename(this.pathOf(file), place);
        undo.push(() => rm(place, { force: true }));
      }
    } catch (error) {
      for (const step of undo.reverse()) await step();
      throw error;
    }
    await rm(this.#folder, { recursive: true, force: true });
    return files.map((file) => join(this.#given, file));
  }

  /** Removes everything staged, and the output folder if it was made for this build and holds nothing else. */
  async discard(): Promise<void> {
    await Promise.allSettled(this.#writing);
    await rm(this.#folder, { recursive: true, force: true });
    if (this.#madeOutput === undefined) return;
    for (let folder = this.#output; ; folder = dirname(folder)) {
      if (!(await removeIfEmpty(folder)) || folder === this.#madeOutput) return;
    }
  }
}

/** Where two files of different bytes begin to differ; the length of the shorter one when it is the start of the other. */
function firstDifference(one: Uint8Array, other: Uint8Array): number {
  let offset = 0;
  while (offset < one.length && offset < other.length && one[offset] === other[offset]) offset += 1;
  return offset;
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function moveIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function removeIfEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'ENOENT')) return false;
    throw error;
  }
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
  );
}
