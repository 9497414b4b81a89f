/**
 * The emulated device: a board, its flash chip, and the power switch.
 *
 * The device itself keeps nothing but the chip: everything else is found on it at each boot, as on a real board.
 */
import { InternalError, type Clock } from '../../core/index.js';
import { findPartition, type BoardProfile } from '../../boards/index.js';
import type { FirmwareSplit } from '../../firmware/index.js';
import { FlashPartition, type NorChip } from '../../flash/index.js';
import type { Compression, ScanCache } from '../../jffs2/index.js';
import { FsError } from '../../vfs/index.js';
import { BootContents, type BootContent } from './boot-content.js';
import { branches, defaultBranch, type Branch, type BranchName } from '../branches.js';
import type { ExtrootRequest } from './fstab.js';
import { FindingLog } from '../findings.js';
import type { Storage } from './storage.js';
import { Timeline } from './timeline.js';

/** What a run-once script of the image does, as its user declares it; nothing here can run it. */
export interface ScriptEffect {
  /** Name in /etc/uci-defaults. */
  readonly script: string;
  readonly writes: readonly { readonly path: string; readonly text: string }[];
}

/** What makes a device. */
export interface DeviceOptions {
  readonly profile: BoardProfile;
  /** Whole chip; changed in place. */
  readonly chip: NorChip;
  /** Release whose flows run, whatever the firmware says of itself. */
  readonly branch?: BranchName;
  /** Seconds since 1970 that the device's clock shows at power-on. */
  readonly epoch?: number;
  /** The device's clock; its own goes by the work of the flash chip, so that runs repeat. */
  readonly clock?: Clock;
  readonly scriptEffects?: readonly ScriptEffect[];
  /** Carry settings in the form that survives garbage collection, instead of what `mtd -j` writes. */
  readonly safeCarrier?: boolean;
  /** Shared by devices of one board that start from one chip: what was learnt of its content is not read again. */
  readonly contents?: BootContents;
}

/** Why a device restarts: its user asks for it, its watchdog starves, its kernel panics. */
export type RestartCause = 'asked' | 'watchdog' | 'panic';

/** How long its own restarts take to come: the timeout that procd sets, and CONFIG_PANIC_TIMEOUT of the kernels. */
const restartsItMakes = {
  watchdog: { seconds: 30, text: 'nothing feeds the watchdog: restart' },
  panic: { seconds: 1, text: 'kernel panic: restart' },
} as const;

/** A device; `boot/boot.ts` turns it on. */
export class Device {
  readonly profile: BoardProfile;
  readonly chip: NorChip;
  readonly findings = new FindingLog();
  readonly timeline: Timeline;
  readonly clock: Clock;
  readonly scriptEffects: readonly ScriptEffect[];
  readonly safeCarrier: boolean;
  /** Storage besides the flash, plugged in or not, by the name of its device. */
  readonly storages = new Map<string, Storage>();
  /** When the power came on, on the timeline. */
  bootedAtMs = 0;
  /** The system stopped at the flash operation that ended in a PowerCut: the power is on. */
  hangs = false;
  #branch: Branch;
  /** The user says which release it is. */
  #branchIsGiven: boolean;
  readonly #restarts: Record<RestartCause, number> = { asked: 0, watchdog: 0, panic: 0 };
  readonly #contents: BootContents;
  readonly #options: DeviceOptions;

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.profile = options.profile;
    this.#contents = options.contents ?? new BootContents();
    this.chip = options.chip;
    this.#branch = branches[options.branch ?? defaultBranch];
    this.#branchIsGiven = options.branch !== undefined;
    this.scriptEffects = options.scriptEffects ?? [];
    this.safeCarrier = options.safeCarrier ?? false;
    // What was done to the chip before, such as flashing it on the bench, is no time of the device.
    const { busyNs } = this.chip.counters;
    this.timeline = new Timeline(() => (this.chip.counters.busyNs - busyNs) / 1e6);
    const epochNs = BigInt(options.epoch ?? 1_700_000_000) * 1_000_000_000n;
    this.clock = options.clock ?? { nowNs: () => epochNs + BigInt(Math.round(this.timeline.nowMs * 1e6)) };
  }

  /** Flows of the release that the device runs. */
  get branch(): Branch {
    return this.#branch;
  }

  /** From now on the flows of this release run, whatever the firmware says of itself. */
  setBranch(name: BranchName): void {
    this.#branch = branches[name];
    this.#branchIsGiven = true;
  }

  /** Notes the release that boots, as its root names it; undefined when it does not. */
  runsRelease(name: BranchName | undefined): void {
    if (!this.#branchIsGiven) this.#branch = branches[name ?? defaultBranch];
  }

  /** Plugs a storage in, one of the drawer too. */
  plug(storage: Storage): void {
    storage.plugged = true;
    this.storages.set(storage.options.device, storage);
  }

  /** Finds storage that the kernel has found by now, as fstab names it: by UUID, by label, by device. */
  findStorage({ uuid, label, device }: ExtrootRequest): Storage | undefined {
    const seconds = (this.timeline.nowMs - this.bootedAtMs) / 1000;
    const found = [...this.storages.values()].filter(
      ({ plugged, options }) => plugged && (options.readyAfterSeconds ?? 0) <= seconds,
    );
    return (
      found.find(({ options }) => uuid !== undefined && options.uuid.toLowerCase() === uuid.toLowerCase()) ??
      found.find(({ options }) => label !== undefined && options.label === label) ??
      found.find(({ options }) => device !== undefined && options.device === device)
    );
  }

  /** How often it restarted so far, by cause. */
  get restarts(): Readonly<Record<RestartCause, number>> {
    return { ...this.#restarts };
  }

  /** Notes a restart, and lets the time pass that it takes to come. */
  restart(cause: RestartCause): void {
    this.#restarts[cause] += 1;
    if (cause === 'asked') return;
    const { seconds, text } = restartsItMakes[cause];
    this.timeline.leaveRam();
    this.timeline.wait(seconds * 1000);
    this.timeline.log(cause, text);
  }

  /** Makes a second device with the same content and past, which goes its own way from here. */
  fork(): Device {
    const fork = this.withoutPast(this.chip.fork());
    fork.timeline.goOnFrom(this.timeline);
    Object.assign(fork.#restarts, this.#restarts);
    for (const { code, where } of this.findings.list()) fork.findings.add(code, where);
    return fork;
  }

  /** Makes a second device, off, with another chip and the same storage, which has no past. */
  withoutPast(chip: NorChip): Device {
    const device = new Device({ ...this.#options, chip, contents: this.#contents });
    device.#branch = this.#branch;
    device.#branchIsGiven = this.#branchIsGiven;
    for (const [name, storage] of this.storages) device.storages.set(name, storage.fork(device.clock));
    return device;
  }

  /**
   * Runs a step of the boot that may fail without stopping it, as a command of a script may: a full file system answers
   * ENOSPC, and the next command runs.
   *
   * @throws FsError EIO, which is damage and not lack of room
   */
  attempt(step: string, work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (!(error instanceof FsError) || error.code === 'EIO') throw error;
      this.findings.add('boot-step-failed', `${step}: ${error.message}`);
      this.timeline.log('boot', `${step} failed: ${error.message}`);
      return false;
    }
  }

  /** The partition that an upgrade writes. */
  firmware(): FlashPartition {
    const range = findPartition(this.profile, 'firmware');
    if (!range) throw new InternalError(`board ${this.profile.id} has no partition "firmware"`);
    return new FlashPartition(this.chip, range);
  }

  /** Gives the same compression with the memory of what was compressed before. */
  remember(compression: Compression): Compression {
    return this.#contents.remember(compression);
  }

  /** What is known of JFFS2 blocks from mounts before this one. */
  scanCache(): ScanCache {
    return this.#contents.scans(this.profile);
  }

  /** What a boot would find now. */
  bootContent(): BootContent {
    return this.#contents.of(this.firmware(), this.profile);
  }

  /** What the kernel finds inside `firmware`, on the bytes as they are now. */
  split(): FirmwareSplit {
    return this.bootContent().split;
  }

  /** The partition rootfs_data as the kernel would make it; undefined when it finds none. */
  rootfsData(split: FirmwareSplit): FlashPartition | undefined {
    if (!split.rootfsData) return undefined;
    const { offset, size } = split.rootfsData;
    return new FlashPartition(this.chip, {
      label: 'rootfs_data',
      offset: this.firmware().offset + offset,
      size,
    });
  }
}
