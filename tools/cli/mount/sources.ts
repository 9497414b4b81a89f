/**
 * What can be mounted or be a layer: a folder, a squashfs image, a JFFS2 image. Folders of one host file system share
 * one `HostFileSystem`, so that the union sees when layers overlap, and work folder and upper are neighbours.
 */
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { closeSync, openSync, readFileSync, readSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { flock } from '../../addon/index.js';
import { byteStringFromText, UsageError } from '../../core/index.js';
import { NorChip, norGeometry } from '../../flash/index.js';
import { mountJffs2, scanJffs2 } from '../../jffs2/index.js';
import type { Jffs2FileSystem } from '../../jffs2/index.js';
import { openSquashfs } from '../../squashfs/index.js';
import { layerAt } from '../../union/index.js';
import type { LayerSpec } from '../../union/index.js';
import { HostFileSystem } from '../../vfs/index.js';
import type { FileSystem } from '../../vfs/index.js';

/** The layers of one mount; closing writes changed images back and gives up descriptors. */
export class Sources implements Disposable {
  readonly #hosts = new Map<string, HostFileSystem>();
  readonly #saves: (() => void)[] = [];
  readonly #endings: (() => void)[] = [];
  readonly #unshared: boolean;

  /** @param unshared  nobody else changes the folders while they are mounted */
  constructor({ unshared = true }: { readonly unshared?: boolean } = {}) {
    this.#unshared = unshared;
  }

  /**
   * Opens a folder or an image.
   *
   * @throws UsageError FW_USAGE_FILE when it is neither; FormatError for a damaged image
   */
  open(path: string, writable = false): LayerSpec {
    const facts = statOf(path);
    if (facts.isDirectory()) return this.#folder(path);
    const magic = headOf(path, 4);
    if (magic === '68737173') return this.#squashfs(path);
    if (/^(8519|1985)/.test(magic) || magic === 'ffffffff' || magic === 'deadc0de')
      return this.#jffs2(path, writable);
    throw new UsageError(
      'FW_USAGE_FILE',
      `${path} is no folder, no squashfs and no JFFS2: it starts with ${magic}`,
      {
        hint: `firmwright inspect ${path}`,
      },
    );
  }

  /** Opens a folder or an image that is mounted by itself. @throws as `open` */
  openAlone(path: string, writable: boolean): FileSystem {
    if (!statOf(path).isDirectory()) return this.open(path, writable).fs;
    const options = { readOnly: !writable, unshared: this.#unshared };
    const host = new HostFileSystem(byteStringFromText(path), options);
    this.#hosts.set(path, host);
    return host;
  }

  /** Claims a work folder for this process: another union over it is refused while this one lives. */
  claim(work: string): void {
    const descriptor = openSync(work, 'r');
    this.#endings.push(() => {
      closeSync(descriptor);
    });
    if (flock(descriptor, 'exclusive')) return;
    throw new UsageError('FW_USAGE_MOUNT', `${work} is in use by another mount`, {
      data: { errno: 'EBUSY' },
    });
  }

  /** Writes back the images that were mounted for writing. */
  flush(): void {
    for (const write of this.#saves) write();
  }

  [Symbol.dispose](): void {
    this.flush();
    for (const end of this.#endings.splice(0)) end();
    for (const host of this.#hosts.values()) host[Symbol.dispose]();
  }

  #folder(path: string): LayerSpec {
    const top = topOfMount(path);
    const host =
      this.#hosts.get(top) ?? new HostFileSystem(byteStringFromText(top), { unshared: this.#unshared });
    this.#hosts.set(top, host);
    const within = path.slice(top === '/' ? 0 : top.length);
    const uuid = createHash('sha256')
      .update(`host ${statSync(top).dev}`)
      .digest()
      .subarray(0, 16);
    return { ...layerAt(host, byteStringFromText(within), path), uuid };
  }

  #squashfs(path: string): LayerSpec {
    const fs = openSquashfs({ path });
    this.#endings.push(() => {
      fs[Symbol.dispose]();
    });
    const uuid = createHash('sha256').update(headOf(path, 96)).digest().subarray(0, 16);
    return { fs, name: path, uuid };
  }

  #jffs2(path: string, writable: boolean): LayerSpec {
    const content = readFileSync(path);
    const { endian, eraseSize } = scanJffs2(content).report;
    const size = Math.ceil(content.length / eraseSize) * eraseSize;
    const chip = new NorChip({ geometry: norGeometry(size, eraseSize), content });
    const clock = { nowNs: () => BigInt(Date.now()) * 1_000_000n };
    const fs = mountJffs2(chip, { endian, clock, readOnly: !writable });
    if (writable) {
      this.#saves.push(() => {
        save(fs, chip, path, size);
      });
    }
    return { fs, name: path };
  }
}

/** Beside, then renamed: the old image stays whole until the new one is. */
function save(fs: Jffs2FileSystem, chip: NorChip, path: string, size: number): void {
  fs.sync();
  const beside = `${path}.firmwright-new`;
  writeFileSync(beside, chip.read(0, size));
  renameSync(beside, path);
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    throw new UsageError(
      'FW_USAGE_FILE',
      `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

function headOf(path: string, length: number): string {
  const descriptor = openSync(path, 'r');
  const head = Buffer.alloc(length);
  readSync(descriptor, head, 0, length, 0);
  closeSync(descriptor);
  return head.toString('hex');
}

/** Climbs while the device stays the same. */
function topOfMount(path: string): string {
  let at = resolve(path);
  const { dev } = statSync(at);
  while (at !== '/' && statSync(dirname(at)).dev === dev) at = dirname(at);
  return at;
}
