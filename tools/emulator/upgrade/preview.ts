/**
 * What an upgrade would do to the settings, told before it is done: each preserved file against the defaults of the old and
 * of the new image, what is lost, which packages go, and whether the archive fits. Nothing on the device changes.
 */
import { compareBytes, FormatError, type ByteString } from '../../core/index.js';
import { splitFirmware } from '../../firmware/index.js';
import { openSquashfs } from '../../squashfs/index.js';
import type { FileSystem } from '../../vfs/index.js';
import { bootLoaderRefusal } from '../device/boot-loader.js';
import { findFile } from '../device-files.js';
import { packagesOf, type InstalledPackage } from '../settings/package-list.js';
import {
  backup,
  carrySettings,
  keepListSystem,
  unpackedImage,
  validateImage,
  type UpgradeOptions,
} from './sysupgrade.js';
import { readSettingsArchive } from '../settings/settings-file.js';
import type { RunningSystem } from '../device/system.js';
import { digestTree, hash } from '../tree-digest.js';
import type { UpgradeVerdict } from './image-checks.js';

/**
 * `kept`: the user's, and the default did not change. `same-as-new`: equals the new default. `old-default`: never changed by
 * the user, and hides the new default. `conflict`: changed by the user and in the new image. `orphaned`: the new image has no
 * such default any more.
 */
export type KeptFate = 'kept' | 'same-as-new' | 'old-default' | 'conflict' | 'orphaned';

/** One preserved file. */
export interface KeptFile {
  readonly path: ByteString;
  readonly fate: KeptFate;
}

/** Room for the archive of the settings. */
export interface ArchiveRoom {
  /** Bytes of the archive. */
  readonly size: number;
  /** Erase blocks that carry it, and those from its place to the end of `firmware`. */
  readonly eraseBlocks: number;
  readonly eraseBlocksLeft: number;
  /** Bytes of its files, and of the new rootfs_data that takes them. */
  readonly unpacked: number;
  readonly rootfsData: number;
}

/** What an upgrade would do. */
export interface UpgradePreview {
  /**
   * `safe`; `attention`: works, and the user should look at something; `no-boot`: the device would do it and not start again;
   * `refused`: it would not do it.
   */
  readonly verdict: 'safe' | 'attention' | 'no-boot' | 'refused';
  /** What the verdict rests on, one sentence each; none when safe. */
  readonly reasons: readonly string[];
  readonly check: UpgradeVerdict;
  /** By path. */
  readonly kept: readonly KeptFile[];
  /** Changed or made by the user, and not preserved. */
  readonly lost: readonly ByteString[];
  /** Installed now, and not in the new image. */
  readonly droppedPackages: readonly InstalledPackage[];
  /** undefined when no settings are carried. */
  readonly archive: ArchiveRoom | undefined;
}

/**
 * Tells what `sysupgrade` with these options, and the boot after it, would do.
 *
 * @param file  the new image
 */
export function previewUpgrade(
  system: RunningSystem,
  file: Uint8Array,
  options: UpgradeOptions = {},
): UpgradePreview {
  const check = validateImage(system, file, options);
  const image = unpackedImage(file, system.device) ?? file;
  const newRoot = rootOf(system, image);
  const refusals = check.reasons.map(({ text }) => text);
  const goesOn = check.valid || (options.force === true && check.forceable);
  const nothing = { kept: [], lost: [], droppedPackages: [], archive: undefined };
  if (!goesOn) return { verdict: 'refused', reasons: refusals, check, ...nothing };
  if (typeof newRoot === 'string')
    return { verdict: 'no-boot', reasons: [...refusals, newRoot], check, ...nothing };
  const { archive, kept: paths } = backup(system, options);
  const kept = paths.map((path) => ({ path, fate: fateOf(path, system, newRoot.fs) }));
  const lost = lostPaths(system, new Set(paths));
  const { device, rom } = system;
  const newPackages = packagesOf({ root: newRoot.fs, rom: newRoot.fs, upper: undefined }, device.branch);
  const names = new Set(newPackages.map(({ name }) => name));
  const droppedPackages = packagesOf({ ...keepListSystem(system), rom }, device.branch).filter(
    ({ name }) => !names.has(name),
  );
  const room = archive && archiveRoom(system, image, archive, newRoot.rootfsData, options.safeCarrier);
  const reasons = [
    ...refusals,
    ...attention(kept, lost, droppedPackages),
    ...roomProblems(room, archive !== undefined, image.length > device.firmware().geometry.size),
    ...(system.mode === 'jffs2-overlay' || system.mode === 'extroot' || options.keepSettings === false
      ? []
      : ['the root is on RAM: settings cannot be saved']),
  ];
  return {
    verdict: reasons.length === 0 ? 'safe' : 'attention',
    reasons,
    check,
    kept,
    lost,
    droppedPackages,
    archive: room,
  };
}

interface NewRoot {
  readonly fs: FileSystem;
  /** Bytes of the new rootfs_data. */
  readonly rootfsData: number;
}

/** The squashfs of an image, as the board will find it; a sentence when it will not come so far. */
function rootOf({ device }: RunningSystem, image: Uint8Array): NewRoot | string {
  const { size } = device.firmware().geometry;
  const firmware = new Uint8Array(size).fill(0xff);
  firmware.set(image.subarray(0, size));
  const refusal = bootLoaderRefusal(firmware, device.profile);
  if (refusal !== undefined) return refusal;
  const { rootfs, squashfsSize, rootfsData, problem } = splitFirmware(firmware, device.profile);
  if (!rootfs || squashfsSize === undefined) return problem ?? 'the image has no rootfs';
  try {
    const fs = openSquashfs(firmware.subarray(rootfs.offset, rootfs.offset + squashfsSize));
    return { fs, rootfsData: rootfsData?.size ?? 0 };
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

function fateOf(path: ByteString, { root, rom }: RunningSystem, newRom: FileSystem): KeptFate {
  const [mine, old, fresh] = [root, rom, newRom].map((fs) => contentOf(fs, path));
  if (fresh === undefined) return old === undefined ? 'kept' : 'orphaned';
  if (mine === fresh) return 'same-as-new';
  if (mine === old) return 'old-default';
  return old === fresh ? 'kept' : 'conflict';
}

/** What a file says, as far as it can be compared; undefined when it is not there. */
function contentOf(fs: FileSystem, path: ByteString): string | undefined {
  const ino = findFile(fs, path, false);
  if (ino === undefined) return undefined;
  const { type, size } = fs.getattr(ino);
  if (type === 'symlink') return `link ${fs.readlink(ino)}`;
  return type === 'file' ? `file ${hash(fs.read(ino, 0, size))}` : type;
}

/** Files that are not as the old image has them, and not on the list. Removed ones come back, and are no loss. */
function lostPaths({ root, rom }: RunningSystem, kept: ReadonlySet<ByteString>): readonly ByteString[] {
  const base = digestTree(rom, rom.root);
  const lost: ByteString[] = [];
  for (const [path, line] of digestTree(root, root.root)) {
    if (base.get(path) === line || kept.has(path) || line.startsWith('directory ')) continue;
    lost.push(path);
  }
  return lost.sort(compareBytes);
}

function archiveRoom(
  { device }: RunningSystem,
  image: Uint8Array,
  archive: Uint8Array,
  rootfsData: number,
  safeCarrier: boolean | undefined,
): ArchiveRoom | undefined {
  const { eraseSize, size } = device.firmware().geometry;
  const insertion = carrySettings(device, image, archive, eraseSize, safeCarrier);
  if (!insertion) return undefined;
  const { tree } = readSettingsArchive(archive);
  let unpacked = 0;
  const add = (directory: NonNullable<typeof tree>): void => {
    for (const inode of directory.entries.values()) {
      if (inode.type === 'directory') add(inode);
      else if (inode.type === 'file') unpacked += inode.content.size;
    }
  };
  if (tree) add(tree);
  return {
    size: archive.length,
    eraseBlocks: insertion.blockCount,
    eraseBlocksLeft: Math.max(0, Math.floor((size - insertion.offset) / eraseSize)),
    unpacked,
    rootfsData,
  };
}

function roomProblems(room: ArchiveRoom | undefined, carries: boolean, tooBig: boolean): readonly string[] {
  const problems: string[] = [];
  if (tooBig) problems.push('the image is larger than its partition: what does not fit is not written');
  if (carries && !room)
    problems.push('the image has no end marker at an erase block: all settings would be lost');
  if (room && room.eraseBlocks > room.eraseBlocksLeft)
    problems.push(
      `the archive needs ${room.eraseBlocks} erase blocks and has ${room.eraseBlocksLeft}: all settings would be lost`,
    );
  if (room && room.unpacked > room.rootfsData)
    problems.push(
      `the settings unpack to ${room.unpacked} bytes, the new rootfs_data has ${room.rootfsData}`,
    );
  return problems;
}

function attention(
  kept: readonly KeptFile[],
  lost: readonly ByteString[],
  dropped: readonly InstalledPackage[],
): readonly string[] {
  const count = (fate: KeptFate): number => kept.filter((file) => file.fate === fate).length;
  return [
    [
      count('conflict'),
      "files changed by the user and by the new image, whose new default the user's copy hides",
    ],
    [count('old-default'), 'unchanged old defaults that hide the new ones, and that -u leaves out'],
    [count('orphaned'), 'kept files that have no default in the new image any more'],
    [lost.length, 'files of the user that are not on the keep list, and go'],
  ]
    .filter(([found]) => found !== 0)
    .map(([found, text]) => `${String(text)}: ${String(found)}`)
    .concat(dropped.length === 0 ? [] : [`installed packages that the new image lacks: ${dropped.length}`]);
}
