/** Counts budgets over built or given images, and says in one error what does not fit. */
import type { BoardProfile } from '../boards/index.js';
import {
  attributeImage,
  countBudget,
  imageParts,
  overlayBlocksBehind,
  packageSavings,
  verdict,
} from '../budget/index.js';
import type { FlashBudget, ImageAttribution, PackageSavings } from '../budget/index.js';
import { squashfsParameters } from '../build/index.js';
import type { BuiltBoard, PackedRoot, StagedBuild } from '../build/index.js';
import { BudgetError } from '../core/index.js';
import { squashfsTree } from '../squashfs/index.js';
import { cancellationPoint } from './cancellation-point.js';
import type { Session } from './command.js';

/** The budget of one board with all files, and what it was counted over. */
export interface CountedBoard {
  readonly profile: BoardProfile;
  readonly budget: FlashBudget;
  /** Undefined where the kernel finds none. */
  readonly squashfs: Uint8Array | undefined;
}

/** What the files of a packed root cost; boards of one build share the root, and this. */
const costsOfRoot = new WeakMap<PackedRoot, ImageAttribution>();

/** Counts the budget of a built board over its own image. */
export function countBuilt({ profile, images, packed }: BuiltBoard): CountedBoard {
  const attribution = costsOfRoot.get(packed) ?? attributeImage(packed.bytes);
  costsOfRoot.set(packed, attribution);
  const { firmware, flash, oversize } = images;
  const budget = countBudget({ profile, firmware, flash, oversize, attribution });
  return { profile, budget, squashfs: packed.bytes };
}

/** Counts the budget of an image: sysupgrade, factory or whole flash. */
export function countImage(bytes: Uint8Array, profile: BoardProfile): CountedBoard {
  const { squashfs, firmware, flash, imageSize } = imageParts(bytes, profile);
  const attribution = squashfs && attributeImage(squashfs);
  return { profile, budget: countBudget({ profile, firmware, flash, imageSize, attribution }), squashfs };
}

/** Keeps the costliest files only; 0 keeps all. */
export function withTop(budget: FlashBudget, top: number): FlashBudget {
  return top === 0 ? budget : { ...budget, files: budget.files.slice(0, top) };
}

/** Counts each board, with a look at the signal behind each. @throws the signal's reason when it aborts */
export async function countEach<T>(
  boards: readonly T[],
  count: (board: T) => CountedBoard,
  signal: AbortSignal,
): Promise<CountedBoard[]> {
  const counted: CountedBoard[] = [];
  for (const board of boards) {
    counted.push(count(board));
    await cancellationPoint(signal);
  }
  return counted;
}

/** The budgets of a build as its record holds them: with the 20 costliest files. */
export async function recordedBudgets(staged: StagedBuild, signal: AbortSignal): Promise<FlashBudget[]> {
  const counted = await countEach(staged.boards, countBuilt, signal);
  return counted.map(({ budget }) => withTop(budget, 20));
}

/** The budgets by the ids of their boards. */
export function budgetsByBoard(budgets: readonly FlashBudget[]): Record<string, FlashBudget> {
  return Object.fromEntries(budgets.map((budget) => [budget.board, budget]));
}

/** Measures what dropping each package saves; undefined where there is no squashfs with package lists. */
export async function measureSavings(
  { profile, budget, squashfs }: CountedBoard,
  jobs: number | undefined,
  { tasks, signal }: Session,
): Promise<PackageSavings | undefined> {
  if (!squashfs || !budget.rootfs || budget.rootfs.packages.length === 0) return undefined;
  const overlayBlocks = overlayBlocksBehind(profile, budget);
  return tasks.run(`savings of ${budget.rootfs.packages.length} packages, ${profile.id}`, (task) =>
    packageSavings(squashfsTree(squashfs), {
      pack: {
        ...squashfsParameters(profile),
        imageTime: 0,
        ...(jobs === undefined ? {} : { workers: jobs }),
      },
      ...(overlayBlocks ? { overlayBlocks } : {}),
      onProgress: (done, total) => {
        task.progress(done, total);
      },
      signal,
    }),
  );
}

/** Makes the error for budgets that do not fit; undefined when all fit. */
export function budgetError(budgets: readonly FlashBudget[]): BudgetError | undefined {
  const [first, ...others] = budgets.filter((budget) => !budget.fits);
  if (!first) return undefined;
  const more = others.length === 0 ? '' : `, nor on ${others.map(({ board }) => board).join(', ')}`;
  const biggest = first.files.slice(0, 3).map(({ path, stored }) => ({ path, stored }));
  return new BudgetError(
    'FW_BUDGET_OVER',
    // What follows in the verdict says by how much, or what the kernel does not find.
    `the image does not fit ${first.board}${more}${verdict(first).slice('does not fit'.length)}`,
    {
      hint:
        first.problem !== undefined && first.overBy === 0
          ? `firmwright boards show ${first.board} tells what its splitter looks for, firmwright inspect IMAGE what is there`
          : `firmwright budget RECIPE --board ${first.board} --top 40 lists the costliest files`,
      data: {
        boards: [first, ...others].map(({ board, overBy, limits, overlay, problem }) => ({
          board,
          overBy,
          limits: limits.filter((limit) => limit.overBy > 0),
          overlay,
          problem,
        })),
        biggest,
      },
    },
  );
}
