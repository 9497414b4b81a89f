/** The running system: what is mounted where, between a boot and the next loss of power. */
import type { FirmwareSplit } from '../firmware/index.js';
import type { Jffs2FileSystem } from '../jffs2/index.js';
import type { Union } from '../union/index.js';
import type { FileSystem, Ino } from '../vfs/index.js';
import type { Device } from './device.js';
import type { FlashPartition } from '../flash/index.js';

/** How the root is made. */
export type RootMode = 'failsafe' | 'read-only' | 'ram-overlay' | 'jffs2-overlay';

/** The writable half of the root. */
export interface Overlay {
  /** The file system under /overlay (JFFS2) or /tmp/root (RAM). */
  readonly fs: FileSystem;
  /** Its directory `upper`. */
  readonly upper: Ino;
  readonly union: Union;
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
  /** Files that this boot restored from carried settings. */
  restoredFiles = 0;

  constructor(device: Device, split: FirmwareSplit, rom: FileSystem, mode: RootMode) {
    this.device = device;
    this.split = split;
    this.rom = rom;
    this.volume = device.rootfsData(split);
    this.mode = mode;
  }

  /** The merged root, or the squashfs alone. */
  get root(): FileSystem {
    return this.overlay?.union ?? this.rom;
  }

  /** Orderly shutdown: everything is written and unmounted. @throws PowerCut */
  shutdown(): void {
    this.overlay?.union.sync();
    this.jffs2?.unmount();
    this.jffs2 = undefined;
    this.overlay = undefined;
    this.device.timeline.log('system', 'shut down');
  }
}
