/** Reads what a comparison needs of one image: budget, metadata, root tree, packages and what each file costs. */
import type { BoardProfile } from '../boards/index.js';
import { attributeImage, countBudget, imageParts } from '../budget/index.js';
import type { FlashBudget } from '../budget/index.js';
import { readMetadata } from '../firmware/index.js';
import { installedPackages } from '../rootfs/index.js';
import type { InstalledPackage } from '../rootfs/index.js';
import { squashfsInfo, squashfsTree } from '../squashfs/index.js';
import { newDirectory } from '../vfs/index.js';
import type { TreeDirectory } from '../vfs/index.js';

/** What the metadata behind an image says, as far as the image says it. */
export interface ImageIdentity {
  /** `1.0` where nothing is said, as sysupgrade takes it. */
  readonly compatVersion: string;
  readonly compatMessage?: string;
  readonly supportedDevices: readonly string[];
  /** Distribution, version and revision in one line, such as `OpenWrt 19.07.7 r11306`. */
  readonly version?: string;
}

/** One image, read. Content of the tree is read on demand from the bytes given. */
export interface ImageContents {
  readonly profile: BoardProfile;
  readonly budget: FlashBudget;
  readonly identity: ImageIdentity;
  /** Bytes that a device would write: the image without metadata and signature. */
  readonly imageSize: number;
  readonly squashfsSize: number;
  /** Seconds since 1970 that the squashfs says it was made at; 0 without one. */
  readonly builtAt: number;
  readonly root: TreeDirectory;
  readonly packages: readonly InstalledPackage[];
  /** Bytes of the squashfs that hold the content of each path, as text; without inodes and listings. */
  readonly stored: ReadonlyMap<string, number>;
}

/**
 * Reads an image for a board; an image without a squashfs that the kernel would find has an empty root.
 *
 * @param bytes  sysupgrade image, factory image or dump of the whole chip; kept, not copied
 * @throws FormatError as `squashfsTree`
 */
export function readImageContents(bytes: Uint8Array, profile: BoardProfile): ImageContents {
  const { firmware, flash, imageSize, squashfs } = imageParts(bytes, profile);
  const costs = squashfs ? attributeImage(squashfs).names : [];
  const root = squashfs ? squashfsTree(squashfs) : newDirectory();
  return {
    profile,
    budget: countBudget({ profile, firmware, flash, imageSize }),
    identity: readIdentity(bytes),
    imageSize: imageSize ?? firmware.length,
    squashfsSize: squashfs?.length ?? 0,
    builtAt: squashfs ? squashfsInfo(squashfs).superBlock.imageTime : 0,
    root,
    packages: installedPackages(root),
    stored: new Map(costs.map(({ path, data, tail }) => [path, data + tail])),
  };
}

/** Metadata that is missing or not the JSON that sysupgrade reads says nothing. */
function readIdentity(bytes: Uint8Array): ImageIdentity {
  const metadata = readMetadata(bytes);
  const { dist, version, revision } = metadata?.version ?? {};
  const name = [dist, version, revision].filter((part) => part !== undefined && part !== '').join(' ');
  return {
    compatVersion: metadata?.compat_version ?? '1.0',
    ...(metadata?.compat_message === undefined ? {} : { compatMessage: metadata.compat_message }),
    supportedDevices: metadata?.new_supported_devices ?? metadata?.supported_devices ?? [],
    ...(name === '' ? {} : { version: name }),
  };
}
