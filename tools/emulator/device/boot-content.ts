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
import { remembering, scanCacheFor, type Compression, type ScanCache } from '../../jffs2/index.js';
import { openSquashfs } from '../../squashfs/index.js';
import type { FileSystem } from '../../vfs/index.js';
import type { BranchName } from '../branches.js';
import { bootLoaderRefusal, endOfCheckedBytes } from './boot-loader.js';
import { releaseBranch } from './release.js';
import { walkFiles } from '../device-files.js';

/** Contents kept for one first block. */
const KEPT = 4;

/** The content of `firmware` as a boot sees it; the squashfs is opened when it is first asked for. */
export class BootContent {
  readonly split: FirmwareSplit;
  /** Why the boot loader refuses it; undefined when it starts the kernel. */
  readonly refusal: string | undefined;
  readonly #squashfs: (() => Uint8Array) | undefined;
  #rom: FileSystem | string | undefined;
  #branch: { readonly name: BranchName | undefined } | undefined;
  #visited = false;

  /**
   * @param bytes   the partition; not kept
   * @param blocks  the same, as its erase blocks
   */
  constructor(bytes: Uint8Array, blocks: readonly Uint8Array[], profile: BoardProfile) {
    this.split = splitFirmware(bytes, profile);
    this.refusal = bootLoaderRefusal(bytes, profile);
    this.#squashfs = rootBytes(this.split, blocks);
  }

  /** The squashfs, or why it does not mount. */
  get rom(): FileSystem | string {
    return (this.#rom ??= this.#mountRom());
  }

  /** The branch of the release that the squashfs says it is; undefined when it does not say, or cannot be read. */
  get branch(): BranchName | undefined {
    this.#branch ??= { name: typeof this.rom === 'string' ? undefined : releaseBranch(this.rom) };
    return this.#branch.name;
  }

  /** Visits every directory and inode of the squashfs, as programs would sooner or later. @throws FsError EIO */
  visitRom(): void {
    if (this.#visited || typeof this.rom === 'string') return;
    for (const { attributes } of walkFiles(this.rom, this.rom.root))
      if (attributes.type === 'symlink') this.rom.readlink(attributes.ino);
    this.#visited = true;
  }

  #mountRom(): FileSystem | string {
    if (!this.#squashfs) return this.split.problem ?? 'no rootfs';
    try {
      return openSquashfs(this.#squashfs());
    } catch (error) {
      if (error instanceof FormatError) return error.message;
      throw error;
    }
  }
}

/** How to get the bytes of a split's root, which is kept as the blocks that hold it. */
function rootBytes(
  { rootfs, squashfsSize }: FirmwareSplit,
  blocks: readonly Uint8Array[],
): (() => Uint8Array) | undefined {
  const eraseSize = blocks[0]?.length;
  if (!rootfs || squashfsSize === undefined || eraseSize === undefined) return undefined;
  const size = Math.min(squashfsSize, rootfs.size);
  const first = Math.floor(rootfs.offset / eraseSize);
  const start = rootfs.offset - first * eraseSize;
  const kept = blocks.slice(first, Math.ceil((rootfs.offset + size) / eraseSize));
  return () => Buffer.concat(kept).subarray(start, start + size);
}

interface Known {
  /** The blocks that decide: those of kernel and squashfs, and what else the boot loader checks. */
  readonly blocks: readonly Uint8Array[];
  readonly content: BootContent;
}

/** The bytes of a partition in one piece, kept from look to look: only blocks that are not the same are copied again. */
class Bytes {
  #bytes = new Uint8Array();
  #blocks: readonly Uint8Array[] = [];

  /** @returns a buffer that the next call overwrites */
  of(blocks: readonly Uint8Array[], eraseSize: number): Uint8Array {
    const size = blocks.length * eraseSize;
    if (this.#bytes.length !== size) {
      this.#bytes = new Uint8Array(size);
      this.#blocks = [];
    }
    for (const [index, block] of blocks.entries())
      if (this.#blocks[index] !== block) this.#bytes.set(block, index * eraseSize);
    this.#blocks = blocks;
    return this.#bytes;
  }
}

/** What devices of one board have learnt of the content of their flash, and may share. */
export class BootContents {
  readonly #known = new WeakMap<Uint8Array, Known[]>();
  readonly #bytes = new Bytes();
  readonly #compressions = new Map<Compression, Compression>();
  #scans: ScanCache | undefined;

  /** Gives the same compression with a memory, which all devices share. */
  remember(compression: Compression): Compression {
    let found = this.#compressions.get(compression);
    if (!found) this.#compressions.set(compression, (found = remembering(compression)));
    return found;
  }

  /** Scans of JFFS2 blocks by their identity. */
  scans({ endianness, jffs2 }: BoardProfile): ScanCache {
    return (this.#scans ??= scanCacheFor({ endian: endianness, summary: jffs2.summary }));
  }

  /** Looks at `firmware`, as it is now; takes no time of the device. */
  of(firmware: FlashPartition, profile: BoardProfile): BootContent {
    const first = firmware.block(0);
    const known = this.#known.get(first) ?? [];
    const found = known.find(({ blocks }) => blocks.every((block, index) => firmware.block(index) === block));
    if (found) return found.content;
    const { eraseSize, size } = firmware.geometry;
    const blocks = Array.from({ length: size / eraseSize }, (_, index) => firmware.block(index));
    const bytes = this.#bytes.of(blocks, eraseSize);
    const content = new BootContent(bytes, blocks, profile);
    const { rootfs, rootfsData, squashfsSize } = content.split;
    const isSplit = rootfs !== undefined && rootfsData !== undefined && squashfsSize !== undefined;
    // A wrong split may let rootfs_data begin inside the squashfs.
    const checked = endOfCheckedBytes(bytes, profile);
    const end = isSplit ? Math.max(rootfsData.offset, rootfs.offset + squashfsSize, checked) : size;
    const deciding = blocks.slice(0, Math.ceil(end / eraseSize));
    this.#known.set(first, [{ blocks: deciding, content }, ...known.slice(0, KEPT - 1)]);
    return content;
  }
}
