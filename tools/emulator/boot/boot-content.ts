/**
 * What a boot finds on the flash before anything is written: the split of `firmware`, the loader's verdict, the squashfs.
 *
 * It is remembered under the identity of the flash blocks it was read from, which is their content: the hundreds of boots of
 * a check then verify a kernel and open a squashfs once, until one of their blocks changes.
 */
import type { BoardProfile } from '../../boards/index.js';
import { FormatError } from '../../core/index.js';
import { splitFirmware, type FirmwareSplit } from '../../firmware/index.js';
import type { FlashPartition } from '../../flash/index.js';
import { remembering, type Compression } from '../../jffs2/index.js';
import { openSquashfs } from '../../squashfs/index.js';
import type { FileSystem } from '../../vfs/index.js';
import { bootLoaderRefusal } from './boot-loader.js';
import { walkFiles } from '../device/files.js';

/** Contents kept for one first block. */
const KEPT = 4;

/** The content of `firmware` as a boot sees it; each part is found out when it is first asked for. */
export class BootContent {
  readonly split: FirmwareSplit;
  readonly #bytes: Uint8Array;
  readonly #profile: BoardProfile;
  #refusal: { readonly reason: string | undefined } | undefined;
  #rom: FileSystem | string | undefined;
  #visited = false;

  constructor(bytes: Uint8Array, profile: BoardProfile) {
    this.split = splitFirmware(bytes, profile);
    this.#bytes = bytes;
    this.#profile = profile;
  }

  /** Why the boot loader refuses it; undefined when it starts the kernel. */
  get refusal(): string | undefined {
    this.#refusal ??= { reason: bootLoaderRefusal(this.#bytes, this.#profile) };
    return this.#refusal.reason;
  }

  /** The squashfs, or why it does not mount. */
  get rom(): FileSystem | string {
    return (this.#rom ??= this.#mountRom());
  }

  /** Visits every directory and inode of the squashfs, as programs would sooner or later. @throws FsError EIO */
  visitRom(): void {
    if (this.#visited || typeof this.rom === 'string') return;
    for (const { attributes } of walkFiles(this.rom, this.rom.root))
      if (attributes.type === 'symlink') this.rom.readlink(attributes.ino);
    this.#visited = true;
  }

  #mountRom(): FileSystem | string {
    const { rootfs, squashfsSize } = this.split;
    if (!rootfs) return 'no rootfs';
    const size = Math.min(squashfsSize ?? rootfs.size, rootfs.size);
    try {
      return openSquashfs(this.#bytes.slice(rootfs.offset, rootfs.offset + size));
    } catch (error) {
      if (error instanceof FormatError) return error.message;
      throw error;
    }
  }
}

interface Known {
  /** The blocks that decide: those of kernel and squashfs. */
  readonly blocks: readonly Uint8Array[];
  readonly content: BootContent;
}

/** Remembers boot contents; devices that share one must be of one board. */
export class BootContents {
  readonly #known = new WeakMap<Uint8Array, Known[]>();
  readonly #compressions = new Map<Compression, Compression>();

  /** Gives the same compression with a memory, which all devices share. */
  remember(compression: Compression): Compression {
    let found = this.#compressions.get(compression);
    if (!found) this.#compressions.set(compression, (found = remembering(compression)));
    return found;
  }

  /** Looks at `firmware`, as it is now; takes no time of the device. */
  of(firmware: FlashPartition, profile: BoardProfile): BootContent {
    const first = firmware.block(0);
    const known = this.#known.get(first) ?? [];
    const found = known.find(({ blocks }) => blocks.every((block, index) => firmware.block(index) === block));
    if (found) return found.content;
    const { eraseSize, size } = firmware.geometry;
    const blocks = Array.from({ length: size / eraseSize }, (_, index) => firmware.block(index));
    const content = new BootContent(Buffer.concat(blocks), profile);
    const { rootfs, rootfsData, squashfsSize } = content.split;
    const isSplit = rootfs !== undefined && rootfsData !== undefined && squashfsSize !== undefined;
    // A wrong split may let rootfs_data begin inside the squashfs.
    const end = isSplit ? Math.max(rootfsData.offset, rootfs.offset + squashfsSize) : size;
    const deciding = blocks.slice(0, Math.ceil(end / eraseSize));
    this.#known.set(first, [{ blocks: deciding, content }, ...known.slice(0, KEPT - 1)]);
    return content;
  }
}
