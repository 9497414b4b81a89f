/**
 * Packed squashfs images by the content they are made from, shared between boards and between builds.
 *
 * An entry is an image and a note of its hash, each written beside and renamed, so that builds may run side by side: two
 * that pack the same make the same bytes, and the last rename wins. An entry that does not match its note is packed anew.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RootTree } from '../rootfs/index.js';
import { makeFolder } from '../rootfs/index.js';
import type { SquashfsParameters } from './plan.js';

/** Rises when the writer makes other bytes from the same input. */
const writerVersion = 4;
const sizeLimit = 1024 ** 3;

/** Names what an image is made from; equal keys mean equal bytes. */
export function cacheKey(
  tree: Pick<RootTree, 'inputs'>,
  parameters: SquashfsParameters,
  sourceDateEpoch: number,
): string {
  const inputs = tree.inputs.map(({ kind, sha256 }) => [kind, sha256]);
  return sha256Hex(JSON.stringify([writerVersion, inputs, parameters, sourceDateEpoch]));
}

/** SHA-256 in lower-case hex. */
export function sha256Hex(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Entries in one folder; a folder that cannot be used only costs time. */
export class SquashfsCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Finds an image; undefined when it is not there or not what its note says. */
  async find(key: string): Promise<Uint8Array | undefined> {
    try {
      const note = await readFile(join(this.#folder, `${key}.sha256`), 'utf8');
      const image = await readFile(join(this.#folder, `${key}.squashfs`));
      return sha256Hex(image) === note.trim() ? new Uint8Array(image) : undefined;
    } catch (error) {
      if (isSystemError(error)) return undefined;
      throw error;
    }
  }

  /** Keeps an image. Says false when the folder takes no files. */
  async keep(key: string, image: Uint8Array): Promise<boolean> {
    try {
      makeFolder(this.#folder);
      await this.#write(`${key}.squashfs`, image);
      await this.#write(`${key}.sha256`, `${sha256Hex(image)}\n`);
      await this.#prune();
      return true;
    } catch (error) {
      if (isSystemError(error)) return false;
      throw error;
    }
  }

  async #write(name: string, content: Uint8Array | string): Promise<void> {
    const partial = join(this.#folder, `${name}.${randomUUID()}.partial`);
    try {
      await writeFile(partial, content);
      await rename(partial, join(this.#folder, name));
    } finally {
      await rm(partial, { force: true });
    }
  }

  /** Removes the oldest entries beyond the limit of the folder's size. */
  async #prune(): Promise<void> {
    const names = (await readdir(this.#folder)).filter((name) => name.endsWith('.squashfs'));
    const entries = await Promise.all(
      names.map(async (name) => {
        const { size, mtimeMs } = await stat(join(this.#folder, name));
        return { name, size, mtimeMs };
      }),
    );
    entries.sort((a, b) => b.mtimeMs - a.mtimeMs);
    let total = 0;
    for (const { name, size } of entries) {
      total += size;
      if (total <= sizeLimit) continue;
      await rm(join(this.#folder, name), { force: true });
      await rm(join(this.#folder, name.replace(/squashfs$/, 'sha256')), { force: true });
    }
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
