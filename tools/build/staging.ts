/**
 * A folder beside the results in which they are made. Nothing shows in the output folder until `commit` moves it all
 * there; whatever else happens, `discard` takes the folder away.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { makeFolder } from '../rootfs/index.js';

/** A staging folder inside the output folder, on the same file system. */
export class Staging {
  readonly #output: string;
  /** The output folder as it was given, for paths that people see. */
  readonly #given: string;
  readonly #folder: string;
  readonly #madeOutput: string | undefined;
  readonly #files = new Set<string>();

  private constructor(given: string, folder: string, madeOutput: string | undefined) {
    this.#given = given;
    this.#output = resolve(given);
    this.#folder = folder;
    this.#madeOutput = madeOutput;
  }

  /** Makes the output folder, if need be, and the staging folder in it. */
  static async open(output: string): Promise<Staging> {
    const madeOutput = makeFolder(output);
    const folder = join(resolve(output), `.firmwright-${randomUUID()}`);
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

  /** Moves every staged file to its place; when one cannot be moved, everything is put back as it was. */
  async commit(): Promise<string[]> {
    const files = [...this.#files].sort();
    const undo: (() => Promise<void>)[] = [];
    try {
      for (const file of files) {
        const place = join(this.#output, file);
        const old = join(this.#folder, 'old', file);
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
    await rm(this.#folder, { recursive: true, force: true });
    if (this.#madeOutput === undefined) return;
    for (let folder = this.#output; ; folder = dirname(folder)) {
      if (!(await removeIfEmpty(folder)) || folder === this.#madeOutput) return;
    }
  }
}

async function moveIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

async function removeIfEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'ENOENT')) {
      return false;
    }
    throw error;
  }
}
