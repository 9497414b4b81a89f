/**
 * The plan of a build: what is read, packed and written, and in which steps. It is pure data made from recipe, profiles
 * and options alone, so that `--plan` can print it and `execute.ts` has nothing left to decide.
 */
import type { BoardProfile } from '../boards/index.js';
import { findPartition } from '../boards/index.js';
import { ProfileError, UsageError } from '../core/index.js';
import type { RecipeStep, StepVersion } from '../firmware/index.js';
import type { AttributeRule, RootSource } from '../rootfs/index.js';
import type { Effort, SquashfsCompressor } from '../squashfs/index.js';
import type { ImageRecipe } from './recipe.js';
import { artefactsWithoutFile, stepFilesOf } from './step-files.js';
import type { LeftOutArtefact, LoaderChoice } from './step-files.js';

/** What decides the bytes of a squashfs besides the tree. */
export interface SquashfsParameters {
  readonly compressor: SquashfsCompressor;
  readonly blockSize: number;
  readonly effort: Effort;
}

/** One squashfs image, shared by all boards that ask for the same parameters. */
export interface PackPlan {
  readonly id: string;
  readonly parameters: SquashfsParameters;
  readonly boards: readonly string[];
}

/** One step as the plan prints it. */
export interface PlannedStep {
  readonly text: string;
  readonly does: string;
}

/** One file that a recipe of the profile makes. */
export interface ArtefactPlan {
  /** Name in the profile, for example `sysupgrade.bin`. */
  readonly name: string;
  readonly file: string;
  readonly steps: readonly PlannedStep[];
}

/** What fills one range of the chip. */
export interface FlashPart {
  readonly label: string;
  readonly offset: number;
  readonly size: number;
  /** `firmware`: what the firmware steps of the plan make. */
  readonly content: 'erased' | 'firmware' | { readonly file: string };
}

/** Everything that is made for one board. */
export interface BoardPlan {
  readonly board: string;
  /** Start of all file names. */
  readonly prefix: string;
  /** Below the output folder; empty unless boards of several targets are built together. */
  readonly folder: string;
  readonly pack: string;
  readonly kernel: string;
  readonly deviceTree?: string | undefined;
  /** Files of steps that take one besides, by the name of the step. */
  readonly stepFiles: Readonly<Record<string, string>>;
  readonly kernelSteps: readonly PlannedStep[];
  readonly artefacts: readonly ArtefactPlan[];
  /** Artefacts that are not made because a step has no file. */
  readonly leftOut: readonly LeftOutArtefact[];
  /** The whole chip; absent for boards whose flash is not split by image content. */
  readonly flashImage?:
    | {
        readonly file: string;
        readonly size: number;
        /** What fills the partition `firmware`: an upgrade file without its metadata and wrapping. */
        readonly firmwareSteps: readonly PlannedStep[];
        readonly parts: readonly FlashPart[];
      }
    | undefined;
}

/** A build, decided to the end. */
export interface BuildPlan {
  readonly name: string;
  readonly version: StepVersion;
  readonly sourceDateEpoch: number;
  readonly root: {
    readonly sources: readonly RootSource[];
    readonly attributes: readonly AttributeRule[];
    readonly dropPackages: readonly string[];
  };
  readonly packs: readonly PackPlan[];
  readonly boards: readonly BoardPlan[];
}

/** What the command line adds to the recipe. */
export interface PlanOptions {
  /** Replaces the sources of the recipe, and the table that describes them. */
  readonly rootfs?: string | undefined;
  /** Kernel for all boards, or by board id. */
  readonly kernel?: string | undefined;
  readonly kernels?: Readonly<Record<string, string>>;
  /** Files of steps that take one besides (loaders), for all boards or one, for the only such step or one by name. */
  readonly loaders?: readonly LoaderChoice[];
  /** More overlay folders, behind those of the recipe. */
  readonly files?: readonly string[];
  readonly sourceDateEpoch?: number | undefined;
  /** Finds out what a source is whose kind the recipe does not say. */
  readonly detect: (path: string) => RootSource;
}

/**
 * Plans a build.
 *
 * @param profiles  the boards to build for, at least one, each once
 * @throws UsageError FW_USAGE_BOARD for no board, or one that stands there twice, FW_USAGE_LOADER for a file that no step
 *   or more than one step takes
 * @throws ProfileError FW_PROFILE_ROOT when no source of a root tree is given, FW_PROFILE_KERNEL when a board has no
 *   kernel, FW_PROFILE_FLASH_FILE for a file of a partition that the board does not have,
 *   FW_PROFILE_COMPRESSOR for a compressor that images cannot be written with, FW_PROFILE_NAND for NAND flash
 */
export function planBuild(
  recipe: ImageRecipe,
  profiles: readonly BoardProfile[],
  options: PlanOptions,
): BuildPlan {
  checkBoards(profiles);
  const severalTargets = new Set(profiles.map((profile) => profile.target)).size > 1;
  const packs = new Map<string, PackPlan>();
  for (const profile of profiles) {
    refuseNand(profile);
    const parameters = squashfsParameters(profile);
    const id = packId(parameters);
    packs.set(id, { id, parameters, boards: [...(packs.get(id)?.boards ?? []), profile.id] });
  }
  return {
    name: recipe.name,
    version: recipe.version,
    sourceDateEpoch: options.sourceDateEpoch ?? recipe.date,
    root: {
      sources: rootSources(recipe, options),
      // The table describes the recipe's own sources; another root brings its own owners and modes.
      attributes: options.rootfs === undefined ? recipe.attributes : [],
      dropPackages: recipe.dropPackages,
    },
    packs: [...packs.values()],
    boards: profiles.map((profile) => planBoard(recipe, profile, options, severalTargets)),
  };
}

function checkBoards(profiles: readonly BoardProfile[]): void {
  if (profiles.length === 0) {
    throw new UsageError('FW_USAGE_BOARD', 'no board is named', { hint: 'name one with --board ID' });
  }
  const twice = profiles.find((profile, i) => profiles.findIndex(({ id }) => id === profile.id) < i);
  if (twice) throw new UsageError('FW_USAGE_BOARD', `board ${twice.id} is named twice`);
}

function rootSources(recipe: ImageRecipe, options: PlanOptions): RootSource[] {
  const listed =
    options.rootfs === undefined ? recipe.rootfs : [{ kind: 'detect' as const, path: options.rootfs }];
  if (listed.length === 0) {
    throw new ProfileError('FW_PROFILE_ROOT', `recipe ${recipe.name} names no source of the root tree`, [], {
      hint: 'add rootfs: to the recipe, or give --rootfs a folder, a tar or a squashfs',
    });
  }
  const sources = listed.map((source) => (source.kind === 'detect' ? options.detect(source.path) : source));
  const overlays = [...recipe.files, ...(options.files ?? [])];
  return [...sources, ...overlays.map((path) => ({ kind: 'folder' as const, path }))];
}

function planBoard(
  recipe: ImageRecipe,
  profile: BoardProfile,
  options: PlanOptions,
  severalTargets: boolean,
): BoardPlan {
  const files = recipe.boards[profile.id];
  const kernel = options.kernels?.[profile.id] ?? options.kernel ?? files?.kernel ?? recipe.kernel;
  if (kernel === undefined) {
    throw new ProfileError('FW_PROFILE_KERNEL', `no kernel is named for board ${profile.id}`, [], {
      hint: 'give --kernel FILE, or kernel: in the recipe',
    });
  }
  const { dist, version } = recipe.version;
  const prefix = [
    dist.toLowerCase().replaceAll(/[^a-z0-9._]+/g, '-'),
    ...(version === 'SNAPSHOT' ? [] : [version.toLowerCase()]),
    profile.target.replace('/', '-'),
    profile.id,
  ].join('-');
  const artefacts = profile.artefacts.map(({ name, recipe: steps }) => ({
    name,
    file: `${prefix}-squashfs-${name}`,
    steps: steps.map(plannedStep),
  }));
  const stepFiles = stepFilesOf(profile, files?.loaders ?? {}, options.loaders ?? []);
  const leftOut = artefactsWithoutFile(profile, stepFiles);
  const flashImage = planFlash(profile, `${prefix}-flash.img`, files?.flash ?? {});
  return {
    board: profile.id,
    prefix,
    folder: severalTargets ? profile.target : '',
    pack: packId(squashfsParameters(profile)),
    kernel,
    deviceTree: files?.deviceTree,
    stepFiles,
    kernelSteps: profile.kernelRecipe.map(plannedStep),
    artefacts: artefacts.filter(({ name }) => !leftOut.some((left) => left.name === name)),
    leftOut,
    ...(flashImage === undefined ? {} : { flashImage }),
  };
}

function plannedStep(step: RecipeStep): PlannedStep {
  return { text: step.text, does: step.summary };
}

/** Lays out the chip: `firmware` takes what an upgrade leaves there, the rest is erased or comes from files. */
function planFlash(
  profile: BoardProfile,
  file: string,
  files: Readonly<Record<string, string>>,
): BoardPlan['flashImage'] {
  for (const label of Object.keys(files)) {
    if (label !== 'firmware' && findPartition(profile, label)) continue;
    throw new ProfileError(
      'FW_PROFILE_FLASH_FILE',
      label === 'firmware'
        ? `board ${profile.id}: the content of firmware is built, it cannot come from a file`
        : `board ${profile.id} has no partition ${label} to put a file in`,
      [],
      { hint: `firmwright boards show ${profile.id}` },
    );
  }
  if (profile.split.mode === 'none' || profile.flash.kind !== 'nor') return undefined;
  const parts = profile.partitions
    .filter((partition) => partition.parent === undefined)
    .map(({ label, offset, size }): FlashPart => {
      const path = files[label];
      const content =
        label === 'firmware' ? 'firmware' : path === undefined ? 'erased' : { file: path };
      return { label, offset, size, content };
    });
  return { file, size: profile.flash.size, firmwareSteps: profile.firmwareRecipe.map(plannedStep), parts };
}

/**
 * Tells how the squashfs of a board is packed: by its profile, with the strongest level where it names none.
 *
 * @throws ProfileError FW_PROFILE_COMPRESSOR for lzo
 */
export function squashfsParameters(profile: BoardProfile): SquashfsParameters {
  const { compressor, blockSize, bcj, level, lc, lp, pb, dictionarySize, effort } = profile.squashfs;
  const lzma = { level: level ?? 9, lc, lp, pb, ...(dictionarySize === undefined ? {} : { dictionarySize }) };
  switch (compressor) {
    case 'xz':
      return { compressor: { kind: 'xz', ...lzma, branchFilters: bcj }, blockSize, effort };
    case 'lzma':
      return { compressor: { kind: 'lzma', ...lzma }, blockSize, effort };
    case 'gzip':
      return { compressor: { kind: 'gzip', level: level ?? 9 }, blockSize, effort };
    case 'zstd':
      return { compressor: { kind: 'zstd', level: level ?? 22 }, blockSize, effort };
    case 'lz4':
      return { compressor: { kind: 'lz4', highCompression: true }, blockSize, effort };
    case 'lzo':
      throw new ProfileError(
        'FW_PROFILE_COMPRESSOR',
        `board ${profile.id} asks for a squashfs packed with lzo, which libsquashfs cannot write`,
        [],
        { hint: 'choose another compressor that the kernel of the board has' },
      );
  }
}

/** NAND chips need UBI images; their profiles are there for the facts. */
function refuseNand(profile: BoardProfile): void {
  if (profile.flash.kind === 'nor') return;
  throw new ProfileError(
    'FW_PROFILE_NAND',
    `board ${profile.id} has NAND flash, for which images cannot be built`,
    [],
    { hint: 'firmwright boards lists the boards and their flash' },
  );
}

/** Short where the profile says nothing special; equal ids mean equal parameters. */
function packId({ compressor, blockSize, effort }: SquashfsParameters): string {
  const { kind, ...rest } = compressor;
  const usual = usualParameters[kind];
  const special = Object.entries(rest)
    .filter(([name, value]) => name !== 'branchFilters' && usual[name] !== value)
    .map(([name, value]) => `${name}${JSON.stringify(value)}`);
  const filters = compressor.kind === 'xz' ? (compressor.branchFilters ?? []) : [];
  const size = `${blockSize / 1024}k`;
  return [kind, ...filters, ...special, size, ...(effort === 'normal' ? [] : [effort])].join('-');
}

/** What a profile without a word about it gives. */
const usualParameters: Readonly<Record<SquashfsCompressor['kind'], Readonly<Record<string, unknown>>>> = {
  xz: { level: 9, lc: 0, lp: 2, pb: 2 },
  lzma: { level: 9, lc: 0, lp: 2, pb: 2 },
  gzip: { level: 9 },
  zstd: { level: 22 },
  lz4: { highCompression: true },
};
