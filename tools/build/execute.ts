/**
 * Carries out a plan: root tree, squashfs, images, texts. Everything is staged; the caller looks at the result (the
 * budget) and either commits it or lets it go, so that a build that fails leaves nothing behind.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BoardProfile } from '../boards/index.js';
import { InternalError } from '../core/index.js';
import { assembleRootTree, requireRegularFile } from '../rootfs/index.js';
import type { InstalledPackage, RootInput, RootTree } from '../rootfs/index.js';
import { writeSquashfs } from '../squashfs/index.js';
import { makeBoardImages } from './board-images.js';
import type { BuiltBoard, PackedRoot } from './built-board.js';
import type { ManifestFile } from './manifest.js';
import type { BoardPlan, BuildPlan, PackPlan } from './plan.js';
import { cacheKey, sha256Hex, SquashfsCache } from './squashfs-cache.js';
import { stageTexts } from './stage-texts.js';
import { Staging } from './staging.js';
import type { ArtefactDifference } from './staging.js';

/** Runs a piece of work under a title for people to see. */
export interface TaskRunner {
  run<T>(
    title: string,
    work: (task: { progress(done: number, total: number): void }) => Promise<T>,
  ): Promise<T>;
}

/** How a build runs; nothing here changes the bytes. */
export interface ExecuteOptions {
  readonly outputFolder: string;
  /** Folder of packed images that builds share; none when absent. */
  readonly cacheFolder?: string | undefined;
  /** Text of a usign secret key; with it images with metadata are signed. */
  readonly signingKey?: string | undefined;
  /** Compressor threads. */
  readonly workers?: number | undefined;
  readonly signal: AbortSignal;
  readonly tasks: TaskRunner;
  readonly warn: (message: string, code?: string) => void;
  /** Version of the program, for the build record. */
  readonly programVersion: string;
}

/** A build that has run and waits to be committed or discarded. */
export interface StagedBuild extends AsyncDisposable {
  readonly plan: BuildPlan;
  readonly boards: readonly BuiltBoard[];
  readonly packages: readonly InstalledPackage[];
  /**
   * Writes the texts and moves everything to the output folder.
   *
   * @param budgets  plain JSON by board id, for the build record
   * @returns paths of all files, sorted
   */
  commit(budgets: Readonly<Record<string, unknown>>): Promise<readonly string[]>;
  /**
   * Writes the texts and compares every file with the one of its name in a folder, such as the output of another
   * build; files that only the folder has do not count.
   *
   * @param budgets  as for `commit`
   * @returns the files that are missing or differ, sorted; none when the folder holds this very build
   */
  compareWith(
    folder: string,
    budgets: Readonly<Record<string, unknown>>,
  ): Promise<readonly ArtefactDifference[]>;
}

/**
 * Runs a build up to the point where only its result has to be looked at.
 *
 * @param profiles  those the plan was made for
 * @throws what sources, packing and steps throw; the output folder is then as before
 */
export async function executeBuild(
  plan: BuildPlan,
  profiles: readonly BoardProfile[],
  options: ExecuteOptions,
): Promise<StagedBuild> {
  const staging = await Staging.open(options.outputFolder);
  try {
    const { packed, packages, inputs } = await packRoots(plan, staging, options);
    const boards: BuiltBoard[] = [];
    for (const boardPlan of plan.boards) {
      options.signal.throwIfAborted();
      const profile = profiles.find(({ id }) => id === boardPlan.board);
      const root = packed.get(boardPlan.pack);
      if (!profile || !root) throw new InternalError(`the plan of ${boardPlan.board} has no profile or pack`);
      boards.push(
        await options.tasks.run(`images of ${profile.id}`, () =>
          buildBoard({ plan, boardPlan, profile, packed: root, staging, options }),
        ),
      );
    }
    options.signal.throwIfAborted();
    const finish = async (budgets: Readonly<Record<string, unknown>>): Promise<void> => {
      options.signal.throwIfAborted();
      const version = options.programVersion;
      stageTexts({ plan, boards, packages, inputs, staging, budgets, version });
      await staging.settled();
    };
    return {
      plan,
      boards,
      packages,
      commit: async (budgets) => {
        await finish(budgets);
        return staging.commit();
      },
      compareWith: async (folder, budgets) => {
        await finish(budgets);
        return staging.compareWith(folder);
      },
      [Symbol.asyncDispose]: () => staging.discard(),
    };
  } catch (error) {
    await staging.discard();
    throw error;
  }
}

interface PackedRoots {
  readonly packed: ReadonlyMap<string, PackedRoot>;
  readonly packages: readonly InstalledPackage[];
  readonly inputs: readonly RootInput[];
}

async function packRoots(plan: BuildPlan, staging: Staging, options: ExecuteOptions): Promise<PackedRoots> {
  const { signal, tasks } = options;
  const tree = await tasks.run('root tree', () =>
    assembleRootTree(plan.root.sources, {
      temporaryFolder: staging.folder,
      sourceDateEpoch: plan.sourceDateEpoch,
      attributes: plan.root.attributes,
      dropPackages: plan.root.dropPackages,
      signal,
    }),
  );
  try {
    for (const { code, message } of tree.warnings) options.warn(message, code);
    const packed = new Map<string, PackedRoot>();
    for (const pack of plan.packs) packed.set(pack.id, await packRoot(plan, pack, tree, staging, options));
    return { packed, packages: tree.packages, inputs: tree.inputs };
  } finally {
    tree.dispose();
  }
}

async function packRoot(
  plan: BuildPlan,
  pack: PackPlan,
  tree: RootTree,
  staging: Staging,
  { cacheFolder, workers, signal, tasks, warn }: ExecuteOptions,
): Promise<PackedRoot> {
  const cache = cacheFolder === undefined ? undefined : new SquashfsCache(cacheFolder);
  const key = cacheKey(tree, pack.parameters, plan.sourceDateEpoch);
  const found = await cache?.find(key);
  if (found) return { id: pack.id, bytes: found, sha256: sha256Hex(found), cached: true };
  return tasks.run(`squashfs ${pack.id}`, async (task) => {
    const path = join(staging.folder, `${pack.id}.squashfs`);
    const report = await writeSquashfs(tree.root, path, {
      ...pack.parameters,
      imageTime: plan.sourceDateEpoch,
      signal,
      onProgress: ({ bytesDone, bytesTotal }) => {
        task.progress(bytesDone, bytesTotal);
      },
      ...(workers === undefined ? {} : { workers }),
    });
    for (const { code, message } of report.warnings) warn(message, code);
    const bytes = new Uint8Array(await readFile(path));
    await cache?.keep(key, bytes);
    return { id: pack.id, bytes, sha256: sha256Hex(bytes), cached: false };
  });
}

async function buildBoard(work: {
  readonly plan: BuildPlan;
  readonly boardPlan: BoardPlan;
  readonly profile: BoardProfile;
  readonly packed: PackedRoot;
  readonly staging: Staging;
  readonly options: ExecuteOptions;
}): Promise<BuiltBoard> {
  const { plan, boardPlan, profile, packed, staging, options } = work;
  const kernel = await readInput(boardPlan.kernel, `kernel of ${profile.id}`);
  const partitions = new Map<string, Uint8Array>();
  for (const { label, content } of boardPlan.flashImage?.parts ?? []) {
    if (typeof content === 'object' && 'file' in content) {
      partitions.set(label, await readInput(content.file, `content of partition ${label}`));
    }
  }
  const optional = async (path: string | undefined, what: string): Promise<Uint8Array | undefined> =>
    path === undefined ? undefined : readInput(path, `${what} of ${profile.id}`);
  const stepFiles = new Map<string, Uint8Array>();
  for (const [step, path] of Object.entries(boardPlan.stepFiles)) {
    stepFiles.set(step, await readInput(path, `file of ${step} of ${profile.id}`));
  }
  for (const { name, step, what } of boardPlan.leftOut) {
    options.warn(
      `${profile.id}: ${name} is left out: ${step} takes a file${what === undefined ? '' : ` (${what})`}; give it with --loader ${step}=FILE`,
      'artefact-left-out',
    );
  }
  const images = makeBoardImages({
    plan: boardPlan,
    profile,
    version: plan.version,
    sourceDateEpoch: plan.sourceDateEpoch,
    kernel,
    deviceTree: await optional(boardPlan.deviceTree, 'device tree'),
    stepFiles,
    signingKey: options.signingKey,
    rootfs: packed.bytes,
    partitions,
    warn: (message) => {
      options.warn(`${profile.id}: ${message}`);
    },
  });
  // Those of the board before: a full disk ends the build here.
  await staging.settled();
  const files: ManifestFile[] = [];
  for (const artefact of boardPlan.artefacts) {
    const bytes = images.artefacts.get(artefact.name);
    if (bytes)
      files.push(staging.addListed(boardPlan.folder, artefact.file, bytes, artefactType(artefact.name)));
  }
  if (boardPlan.flashImage && images.flash) {
    files.push(staging.addListed(boardPlan.folder, boardPlan.flashImage.file, images.flash, 'flash'));
  }
  const kernelInput = { path: boardPlan.kernel, sha256: sha256Hex(kernel) };
  const hashes = Object.fromEntries([...stepFiles].map(([step, bytes]) => [step, sha256Hex(bytes)]));
  return { plan: boardPlan, profile, images, packed, kernelInput, stepFiles: hashes, files };
}

async function readInput(path: string, what: string): Promise<Uint8Array> {
  requireRegularFile(path, what);
  return new Uint8Array(await readFile(path));
}

/** `sysupgrade` for `sysupgrade.bin`, `factory-us` for `factory-us.bin`. */
function artefactType(name: string): string {
  return name.replace(/\.[^.]*$/, '');
}
