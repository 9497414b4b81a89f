/**
 * How an upgrade may write: each erase block of `firmware` erased once, programmed at once, from the first up.
 *
 * The order is what recovery rests on: the header goes first, so that the boot loader refuses what was cut off, and a
 * block that is erased twice wears twice.
 */
import type { FlashOperation, NorChip } from '../../flash/index.js';

type Step = Pick<FlashOperation, 'kind' | 'offset'>;

/** Runs `work` and tells the operations of the chip meanwhile, in order. */
export function operationsOf(chip: NorChip, work: () => void): readonly Step[] {
  const steps: Step[] = [];
  const outer = chip.observer;
  chip.observer = (operation) => {
    outer?.(operation);
    steps.push({ kind: operation.kind, offset: operation.offset });
  };
  try {
    work();
  } finally {
    chip.observer = outer;
  }
  return steps;
}

/**
 * Compares what a write of `firmware` did with what it should do; one line for the first difference.
 *
 * @param steps  from the erase of the first block of `firmware` on; what a shutdown wrote before does not count
 * @param start       offset of `firmware` on the chip
 * @param blockCount  erase blocks that the image fills
 */
export function writeOrderProblems(
  steps: readonly Step[],
  start: number,
  eraseSize: number,
  blockCount: number,
): readonly string[] {
  const first = steps.findIndex(({ kind, offset }) => kind === 'erase' && offset === start);
  if (first < 0) return ['the upgrade does not erase the first block of firmware'];
  const written = withoutHeader(steps.slice(first), start, blockCount);
  for (const [index, step] of written.entries()) {
    const kind = index % 2 === 0 ? 'erase' : 'program';
    const offset = start + Math.floor(index / 2) * eraseSize;
    if (step.kind === kind && step.offset === offset) continue;
    return [
      `flash operation ${index + 1} of the upgrade: expected ${kind} at 0x${offset.toString(16)}, found ${step.kind} at 0x${step.offset.toString(16)}`,
    ];
  }
  const operations = written.length;
  if (operations === 2 * blockCount) return [];
  return [
    `flash operations from the first block of firmware on: expected ${2 * blockCount}, found ${operations}`,
  ];
}

/** Leaves out the block with the header when it is written once more in the end: its sum covers the carried settings. */
function withoutHeader(steps: readonly Step[], start: number, blockCount: number): readonly Step[] {
  const [erase, program] = steps.slice(2 * blockCount);
  const isHeader =
    steps.length === 2 * blockCount + 2 &&
    erase?.kind === 'erase' &&
    program?.kind === 'program' &&
    erase.offset === start &&
    program.offset === start;
  return isHeader ? steps.slice(0, 2 * blockCount) : steps;
}
