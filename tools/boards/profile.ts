/** A board profile as the rest of the program sees it: checked, with defaults filled in and recipes read. */
import type { FlashGeometry } from '../flash/index.js';
import type { RecipeStep, SplitParser, StepBoard, VendorHeaders } from '../firmware/index.js';
import { parseRecipe } from '../firmware/index.js';
import type { BoardProfileFile } from './schema.js';

/** A named range of the chip; `offset` is absolute even for a part of another partition. */
export interface BoardPartition {
  readonly label: string;
  readonly offset: number;
  readonly size: number;
  readonly readOnly: boolean;
  readonly parser?: string | undefined;
  readonly parent?: string | undefined;
}

/** Which splitter reads `firmware`, and where its children hang. */
export interface BoardSplit {
  readonly mode: 'nested' | 'by-name' | 'none';
  readonly parser?: SplitParser | undefined;
}

/** One file that a build writes: its name behind `<prefix>-squashfs-`, and the recipe. */
export interface BoardArtefact {
  readonly name: string;
  readonly recipe: readonly RecipeStep[];
}

/** Everything known of a board; sizes in bytes. */
export interface BoardProfile {
  readonly id: string;
  readonly name: string;
  readonly target: string;
  readonly arch: string;
  readonly endianness: 'big' | 'little';
  readonly boardName: string;
  readonly supportedDevices: readonly string[];
  readonly compatVersion: string;
  readonly compatMessage?: string | undefined;
  readonly ram?: number | undefined;
  readonly flash: FlashGeometry & { readonly minorEraseSize?: number | undefined };
  /** In the order of the file. */
  readonly partitions: readonly BoardPartition[];
  readonly split: BoardSplit;
  readonly blockSize?: number | undefined;
  readonly imageSize?: number | undefined;
  readonly kernelSize?: number | undefined;
  readonly squashfs: {
    readonly compressor: 'xz' | 'gzip' | 'zstd' | 'lz4' | 'lzma' | 'lzo';
    readonly blockSize: number;
    /** Undefined: the block size. */
    readonly dictionarySize?: number | undefined;
    /** Undefined: the strongest level of the compressor. */
    readonly level?: number | undefined;
    /** Literal context, literal position and position bits of xz. */
    readonly lc: number;
    readonly lp: number;
    readonly pb: number;
    readonly bcj: readonly ('x86' | 'powerpc' | 'ia64' | 'arm' | 'armthumb' | 'sparc')[];
    readonly effort: 'normal' | 'more' | 'most';
    /** Most bytes of memory that reading one block may take; undefined where the memory of the board is not known. */
    readonly readMemory?: number | undefined;
  };
  readonly jffs2: {
    readonly compressors: readonly ('rtime' | 'zlib' | 'lzo' | 'lzma')[];
    readonly summary: boolean;
  };
  /** `reserve`: bytes asked for beyond the five erase blocks that JFFS2 needs. */
  readonly overlay: { readonly reserve: number };
  readonly headers: VendorHeaders;
  /** What the files of steps are that take one besides (loaders), by the name of the step. */
  readonly loaders: Readonly<Record<string, string>>;
  readonly kernelRecipe: readonly RecipeStep[];
  /** What stands in the partition `firmware`: the upgrade image without its metadata, or a recipe of its own. */
  readonly firmwareRecipe: readonly RecipeStep[];
  readonly artefacts: readonly BoardArtefact[];
  readonly sources: readonly string[];
  readonly notes: readonly string[];
}

/** Turns a checked profile file into a profile; recipes must be free of faults. */
export function toBoardProfile(file: BoardProfileFile): BoardProfile {
  return {
    id: file.id,
    name: file.name,
    target: file.target,
    arch: file.arch,
    endianness: file.endianness,
    boardName: file.board_name ?? file.id.replaceAll('_', ','),
    supportedDevices: file.supported_devices,
    compatVersion: file.compat_version,
    compatMessage: file.compat_message,
    ram: file.ram,
    flash: {
      kind: file.flash.kind,
      size: file.flash.size,
      eraseSize: file.flash.erase_size,
      writeSize: file.flash.write_size ?? 1,
      oobSize: file.flash.oob_size ?? 0,
      minorEraseSize: file.flash.minor_erase_size,
    },
    partitions: file.partitions.map((partition) => ({
      label: partition.label,
      offset: absoluteOffset(file.partitions, partition),
      size: partition.size,
      readOnly: partition.read_only,
      parser: partition.parser,
      parent: partition.parent,
    })),
    split: file.split,
    blockSize: file.block_size,
    imageSize: file.image_size,
    kernelSize: file.kernel_size,
    squashfs: {
      compressor: file.squashfs.compressor,
      blockSize: file.squashfs.block_size,
      dictionarySize: file.squashfs.dictionary_size,
      level: file.squashfs.level,
      lc: file.squashfs.lc,
      lp: file.squashfs.lp,
      pb: file.squashfs.pb,
      bcj: file.squashfs.bcj,
      effort: file.squashfs.effort,
      readMemory:
        file.squashfs.read_memory ?? (file.ram === undefined ? undefined : Math.floor(file.ram / 16)),
    },
    jffs2: file.jffs2,
    overlay: file.overlay,
    headers: file.headers,
    loaders: file.loaders,
    kernelRecipe: parseRecipe(file.kernel).steps,
    firmwareRecipe: parseRecipe(file.firmware ?? upgradeRecipe(file)).steps.filter(
      ({ name }) => name !== 'append-metadata',
    ),
    artefacts: Object.entries(file.artefacts).map(([name, recipe]) => ({
      name,
      recipe: parseRecipe(recipe).steps,
    })),
    sources: file.sources,
    notes: file.notes,
  };
}

function upgradeRecipe({ artefacts }: BoardProfileFile): string {
  const [first] = Object.entries(artefacts).toSorted(
    ([a], [b]) => Number(b.startsWith('sysupgrade')) - Number(a.startsWith('sysupgrade')),
  );
  return first?.[1] ?? 'append-kernel | append-rootfs';
}

type FilePartition = BoardProfileFile['partitions'][number];

function absoluteOffset(all: readonly FilePartition[], partition: FilePartition): number {
  const parent = all.find((other) => other.label === partition.parent && other !== partition);
  return partition.offset + (parent?.offset ?? 0);
}

/** Finds a partition by its label. */
export function findPartition(profile: BoardProfile, label: string): BoardPartition | undefined {
  return profile.partitions.find((partition) => partition.label === label);
}

/** Gives the recipe steps what they need to know of a board. */
export function stepBoard(profile: BoardProfile): StepBoard {
  return {
    id: profile.id,
    boardName: profile.boardName,
    supportedDevices: profile.supportedDevices,
    compatVersion: profile.compatVersion,
    compatMessage: profile.compatMessage,
    target: profile.target,
    arch: profile.arch,
    endianness: profile.endianness,
    blockSize: profile.blockSize,
    imageSize: profile.imageSize,
    kernelSize: profile.kernelSize,
    firmwareOffset: findPartition(profile, 'firmware')?.offset,
    headers: profile.headers,
    loaders: profile.loaders,
  };
}
