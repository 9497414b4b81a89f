/** The image under proof: makes devices in the states the proofs start from, each made once and then forked. */
import type { BoardProfile } from '../../boards/index.js';
import { findPartition } from '../../boards/index.js';
import { InternalError } from '../../core/index.js';
import { FlashPartition, NorChip } from '../../flash/index.js';
import { boot } from '../boot/boot.js';
import { BootContents } from '../device/boot-content.js';
import { defaultBranch, type BranchName } from '../branches.js';
import { chipFromImage, imageForFirmware } from '../image/chip-image.js';
import { Device, type ScriptEffect } from '../device/device.js';
import type { Finding, FindingLog } from '../findings.js';
import { mtdWrite } from '../device/mtd.js';
import { upperDigest, type TreeDigest } from '../tree-digest.js';

/** What a check is about. */
export interface CheckSubjectOptions {
  readonly profile: BoardProfile;
  /** Image for `firmware`, also in the container of its vendor, or a dump of the chip. */
  readonly image: Uint8Array;
  readonly branch?: BranchName;
  readonly scriptEffects?: readonly ScriptEffect[];
  readonly safeCarrier?: boolean;
}

/** An image on a board, with the chips that proofs begin with. */
export class CheckSubject {
  readonly profile: BoardProfile;
  readonly #options: CheckSubjectOptions;
  readonly #factory: NorChip;
  readonly #logs: FindingLog[] = [];
  readonly #contents = new BootContents();
  #booted: NorChip | undefined;
  #freshUpper: TreeDigest | undefined;
  #branch: BranchName | undefined;
  #settles = false;

  constructor(options: CheckSubjectOptions) {
    this.profile = options.profile;
    this.#options = options;
    this.#factory = chipFromImage(options.profile, options.image);
  }

  /** What the image puts into `firmware`. */
  get firmware(): Uint8Array {
    return imageForFirmware(this.profile, this.#options.image);
  }

  /** A device that was never turned on. */
  newDevice(): Device {
    return this.deviceOn(this.#factory.fork());
  }

  /** A device that has booted once and was shut down. */
  freshDevice(): Device {
    this.#bootOnce();
    return this.deviceOn((this.#booted ?? this.#factory).fork());
  }

  /** A device with used flash: `stale` everywhere, then the image written over it as an upgrade does. */
  newDeviceOver(stale: Uint8Array): Device {
    const range = findPartition(this.profile, 'firmware');
    if (!range) throw new InternalError('a checked board has "firmware"');
    const chip = new NorChip({ geometry: this.#factory.geometry, content: stale });
    mtdWrite(new FlashPartition(chip, range), this.firmware);
    return this.deviceOn(chip);
  }

  /** A device on a given chip. */
  deviceOn(chip: NorChip): Device {
    const { profile, branch, scriptEffects, safeCarrier = false } = this.#options;
    const device = new Device({
      profile,
      chip,
      contents: this.#contents,
      safeCarrier,
      ...(branch ? { branch } : {}),
      ...(scriptEffects ? { scriptEffects } : {}),
    });
    this.#logs.push(device.findings);
    return device;
  }

  /** The writable layer after the first boot: what a reset must give back. */
  freshUpper(): TreeDigest {
    this.#bootOnce();
    return this.#freshUpper ?? new Map();
  }

  /** Tells whether the first boot ends with the overlay on the flash: what all other flows begin with. */
  settles(): boolean {
    this.#bootOnce();
    return this.#settles;
  }

  /** Release whose flows run: as given, or as the image says. */
  branch(): BranchName {
    this.#bootOnce();
    return this.#branch ?? defaultBranch;
  }

  /** Findings of all devices so far, each code and place once. */
  findings(): readonly Finding[] {
    const seen = new Map<string, Finding>();
    for (const log of this.#logs) {
      for (const finding of log.list()) seen.set(`${finding.code} ${finding.where}`, finding);
    }
    return [...seen.values()];
  }

  #bootOnce(): void {
    if (this.#booted) return;
    const device = this.newDevice();
    const result = boot(device);
    if (result.kind === 'running') {
      this.#settles = result.system.mode === 'jffs2-overlay';
      this.#freshUpper = upperDigest(result.system);
      result.system.shutdown();
    }
    this.#branch = device.branch.name;
    this.#booted = device.chip;
  }
}
