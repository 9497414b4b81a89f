/** The running system: what is mounted where, between a boot and the next loss of power. */
import type { FirmwareSplit } from '../../firmware/index.js';
import type { Jffs2FileSystem } from '../../jffs2/index.js';
import type { Union } from '../../union/index.js';
import { statPath, type FileSystem } from '../../vfs/index.js';
import { textOf, type ByteString } from '../../core/index.js';
import type { Device } from './device.js';
import type { FlashPartition } from '../../flash/index.js';
import type { ExtrootRequest } from './fstab.js';
import type { OverlayPlace } from '../overlay/overlay-place.js';
import type { Storage } from './storage.js';

/** How the root is made. */
export type RootMode = 'failsafe' | 'read-only' | 'ram-overlay' | 'jffs2-overlay' | 'extroot';

/** The writable half of the root: a place under /overlay (JFFS2) or /tmp/root (RAM), and the union over it. */
export interface Overlay extends OverlayPlace {
  readonly union: Union;
}

/** Storage that the root is to be made of. */
export interface Extroot {
  readonly target: ExtrootRequest['target'];
  readonly storage: Storage;
  /** The storage, just mounted. */
  readonly fs: FileSystem;
}

/** A booted device. */
export class RunningSystem {
  readonly device: Device;
  readonly split: FirmwareSplit;
  readonly rom: FileSystem;
  readonly volume: FlashPartition | undefined;
  mode: RootMode;
  overlay: Overlay | undefined;
  /** The mounted rootfs_data, when it is. */
  jffs2: Jffs2FileSystem | undefined;
  /** What the root is made of in mode extroot. */
  extroot: Extroot | undefined;
  /** Files that this boot restored from carried settings. */
  restoredFiles = 0;

  constructor(device: Device, split: FirmwareSplit, rom: FileSystem, mode: RootMode) {
    this.device = device;
    this.split = split;
    this.rom = rom;
    this.volume = device.rootfsData(split);
    this.mode = mode;
  }

  /** The merged root, the root that took the place of all, or the squashfs alone. */
  get root(): FileSystem {
    return this.overlay?.union ?? this.extroot?.fs ?? this.rom;
  }

  /** Tells which layer of the root a path shows from, and the chain of causes in words. */
  whereIs(path: ByteString): {
    readonly layer: 'upper' | 'lower' | 'none';
    readonly causes: readonly string[];
  } {
    if (!this.overlay) {
      const there = this.extroot ? 'upper' : 'lower';
      return { layer: statPath(this.root, path) ? there : 'none', causes: ['no overlay is mounted'] };
    }
    const found = this.overlay.union.which(path);
    const layer = found.layerNumber === undefined ? 'none' : found.layerNumber === 0 ? 'upper' : 'lower';
    const causes = found.causes.map(
      (cause) =>
        `${cause.kind} at ${textOf(cause.path)} in ${cause.layer}${cause.target === undefined ? '' : `, to ${textOf(cause.target)}`}`,
    );
    const shadowed = found.shadowed.map((version) => `hides a ${version.type} of ${version.layer}`);
    return { layer, causes: [...causes, ...shadowed] };
  }

  /** Orderly shutdown: everything is written and unmounted. @throws PowerCut */
  shutdown(): void {
    this.overlay?.union.sync();
    this.overlay?.end?.();
    this.jffs2?.unmount();
    this.jffs2 = undefined;
    this.overlay = undefined;
    this.extroot = undefined;
    this.device.timeline.leaveRam();
    this.device.timeline.log('system', 'shut down');
  }
}
