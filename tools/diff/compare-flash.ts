/** Compares what two images take of the flash, and where the kernel puts their partitions. */
import type { FlashBudget } from '../budget/index.js';

/** One figure before and after, in the unit that `what` names. */
export interface FigureChange {
  readonly what: string;
  readonly before: number;
  readonly after: number;
}

/** One partition that is new, gone, moved or of another size; offsets count from the start of the chip. */
export interface PartitionChange {
  readonly label: string;
  readonly before?: { readonly offset: number; readonly size: number };
  readonly after?: { readonly offset: number; readonly size: number };
}

/** One image as far as its figures go. */
export interface FlashSide {
  readonly budget: FlashBudget;
  readonly imageSize: number;
  readonly squashfsSize: number;
}

/** Sizes of both images, whether they differ or not; the two erase block figures come last. */
export function compareFigures(before: FlashSide, after: FlashSide): FigureChange[] {
  const figure = (what: string, of: (side: FlashSide) => number): FigureChange => ({
    what,
    before: of(before),
    after: of(after),
  });
  return [
    figure('image bytes', ({ imageSize }) => imageSize),
    figure('kernel bytes', ({ budget }) => usedOf(budget, 'kernel')),
    figure('squashfs bytes', ({ squashfsSize }) => squashfsSize),
    figure('overlay bytes for user data', ({ budget }) => budget.overlay?.freeBytes ?? 0),
    figure('overlay erase blocks', ({ budget }) => overlayBlocks(budget)),
  ];
}

/** Erase blocks of rootfs_data; 0 where there is none. */
export function overlayBlocks({ overlay }: FlashBudget): number {
  return overlay?.eraseBlocks ?? 0;
}

/** Partitions that are not the same in both, by their place. */
export function comparePartitions(before: FlashBudget, after: FlashBudget): PartitionChange[] {
  const old = placesOf(before);
  const young = placesOf(after);
  return [...new Set([...old.keys(), ...young.keys()])]
    .map((label) => ({ label, a: old.get(label), b: young.get(label) }))
    .filter(({ a, b }) => a?.offset !== b?.offset || a?.size !== b?.size)
    .map(({ label, a, b }) => ({ label, ...(a ? { before: a } : {}), ...(b ? { after: b } : {}) }));
}

function placesOf({ partitions }: FlashBudget): Map<string, { offset: number; size: number }> {
  return new Map(partitions.map(({ label, offset, size }) => [label, { offset, size }]));
}

function usedOf({ partitions }: FlashBudget, label: string): number {
  return partitions.find((partition) => partition.label === label)?.used ?? 0;
}
