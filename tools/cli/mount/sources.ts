/**
 * What can be mounted or be a layer: a folder, a squashfs image, a JFFS2 image. Folders of one mount of the host share
 * one `HostFileSystem`, so that the union sees when layers overlap, and work folder and upper are neighbours.
 */
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { closeSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { hostCalls, lockOperations } from '../../addon/index.js';
import { byteStringFromText, UsageError } from '../../core/index.js';
import { NorChip, norGeometry } from '../../flash/index.js';
import { mountJffs2, scanJffs2 } from '../../jffs2/index.js';
import { openSquashfs } from '../../squashfs/index.js';
import { layerAt } from '../../union/index.js';
import type { LayerSpec } from '../../union/index.js';
import { HostFileSystem } from '../../vfs/index.js';
import type { FileSystem } from '../../vfs/index.js';
import { openDevice } from './device-layer.js';
import type { DeviceChoice } from './device-layer.js';
import { FlashFile } from './flash-file.js';
import { placeOnDevice, topOfMount } from './host-mounts.js';

const claimPauseMs = 20;

/** A layer, and for a folder of the host its place on the device, which tells folders apart across mounts. */
export interface OpenLayer extends LayerSpec {
  readonly place?: string | undefined;
}

/** The layers of one mount; closing keeps what changed in images and gives up descriptors. */
export class Sources implements Disposable {
  readonly #hosts = new Map<string, HostFileSystem>();
  readonly #flash: FlashFile[] = [];
  readonly #endings: (() => void)[] = [];
  readonly #unshared: boolean;
  readonly #claimWaitMs: number;

  /**
   * @param unshared     nobody else changes the folders while they are mounted
   * @param claimWaitMs  how long a claim waits for another mount to end
   */
  constructor({
    unshared = true,
    claimWaitMs = 3000,
  }: { readonly unshared?: boolean; readonly claimWaitMs?: number } = {}) {
    this.#unshared = unshared;
    this.#claimWaitMs = claimWaitMs;
  }

  /**
   * Opens a folder or an image.
   *
   * @throws UsageError FW_USAGE_FILE when it is neither; FormatError for a damaged image
   */
  open(path: string, writable = false): OpenLayer {
    const facts = statOf(path);
    if (facts.isDirectory()) return this.#folder(path);
    const magic = headOf(path, 4);
    const kind = fileSystemOf(magic);
    if (kind === 'squashfs') return this.#squashfs(path);
    if (kind === 'jffs2') return this.#jffs2(path, writable);
    throw new UsageError(
      'FW_USAGE_FILE',
      `${path} is no folder, no squashfs and no JFFS2: it starts with ${magic}`,
      { hint: `firmwright inspect ${path}` },
    );
  }

  /** Opens what is mounted by itself: a folder, a file system, or the device of an image. @throws as `open`, `openDevice` */
  openAlone(path: string, writable: boolean, device: DeviceChoice): FileSystem {
    if (!statOf(path).isDirectory()) {
      const isFileSystem = device.board === undefined && fileSystemOf(headOf(path, 4)) !== undefined;
      return isFileSystem ? this.open(path, writable).fs : this.openDevice(path, device);
    }
    const options = { readOnly: !writable, unshared: this.#unshared };
    const host = new HostFileSystem(byteStringFromText(path), options);
    this.#hosts.set(path, host);
    return host;
  }

  /** Boots the device of an image and opens one of its layers. @throws as `openDevice` */
  openDevice(path: string, choice: DeviceChoice): FileSystem {
    const device = openDevice(path, choice);
    this.#endings.push(() => {
      device.shutdown();
    });
    if (device.flash) this.#flash.push(device.flash);
    return device.fileSystem;
  }

  /**
   * Claims a folder that is written to for this process: another union over it is refused while this one lives.
   * umount(8) is done a moment before the server has ended, so a claim waits that long.
   *
   * @throws UsageError FW_USAGE_MOUNT when the other one stays
   */
  claim(folder: string): void {
    const descriptor = openSync(folder, 'r');
    this.#endings.push(() => {
      closeSync(descriptor);
    });
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let waited = 0; waited <= this.#claimWaitMs; waited += claimPauseMs) {
      if (hostCalls().flock(descriptor, lockOperations.exclusive | lockOperations.noWait) === 0) return;
      Atomics.wait(pause, 0, 0, claimPauseMs);
    }
    throw new UsageError('FW_USAGE_MOUNT', `${folder} is in use by another mount`, {
      data: { errno: 'EBUSY' },
    });
  }

  /** Keeps what changed in images. @throws FsError as `FlashFile.save` */
  save(): void {
    for (const flash of this.#flash) flash.save();
  }

  /** Keeps changes from time to time, also those nobody syncs. */
  saveRegularly(sync: () => void, onFailure: (error: unknown) => void): void {
    for (const flash of this.#flash) flash.saveRegularly(sync, onFailure);
  }

  [Symbol.dispose](): void {
    for (const end of this.#endings.splice(0)) end();
    this.save();
    for (const flash of this.#flash) flash[Symbol.dispose]();
    for (const host of this.#hosts.values()) host[Symbol.dispose]();
  }

  #folder(path: string): OpenLayer {
    const real = realpathSync(path);
    const top = topOfMount(real);
    const host =
      this.#hosts.get(top) ?? new HostFileSystem(byteStringFromText(top), { unshared: this.#unshared });
    this.#hosts.set(top, host);
    const within = real.slice(top === '/' ? 0 : top.length);
    // Two folders of one device are two layers, whose objects have numbers of their own (127).
    const { dev, ino } = statSync(real);
    const uuid = createHash('sha256').update(`host ${dev} ${ino}`).digest().subarray(0, 16);
    return { ...layerAt(host, byteStringFromText(within), path), uuid, place: placeOnDevice(real, top) };
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
      this.#flash.push(new FlashFile(path, chip));
      this.#endings.push(() => {
        fs.unmount();
      });
    }
    return { fs, name: path };
  }
}

/** Tells a file system by its first bytes; a blank or marked area becomes a JFFS2. */
function fileSystemOf(magic: string): 'squashfs' | 'jffs2' | undefined {
  if (magic === '68737173') return 'squashfs';
  return /^(8519|1985|ffffffff|deadc0de)/.test(magic) ? 'jffs2' : undefined;
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
