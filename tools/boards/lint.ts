/**
 * Checks of a profile that reach across its fields: does the partition table fit the chip, do the recipes read.
 *
 * Each problem names the path of the value it is about, so that the loader can give line and column.
 */
import type { ErrorCode } from '../core/index.js';
import { parseRecipe, stepsWithFiles } from '../firmware/index.js';
import type { BoardProfileFile } from './schema.js';
import type { YamlProblem } from './yaml-problem.js';

type Partition = BoardProfileFile['partitions'][number];

/** The largest NOR chips have 256 MiB; what is larger would only fill the memory. */
const norLimit = 1024 ** 3;

const hex = (value: number): string => `0x${value.toString(16)}`;

/** What of a profile has the right shape. */
type ProfilePart = Partial<BoardProfileFile>;

/** Lists every problem of a profile, or of what could be read of one; empty when there is none. */
export function lintProfile(file: ProfilePart): YamlProblem[] {
  return [
    ...lintFlash(file),
    ...lintPartitions(file),
    ...lintSplit(file),
    ...lintSizes(file),
    ...lintLoaders(file),
    ...lintRecipe(file.kernel, ['kernel']),
    ...lintRecipe(file.firmware, ['firmware']),
    ...Object.entries(file.artefacts ?? {}).flatMap(([name, recipe]) => [
      ...lintRecipe(recipe, ['artefacts', name]),
    ]),
  ];
}

function* lintFlash({ flash }: ProfilePart): Generator<YamlProblem> {
  if (flash === undefined) return;
  if (flash.erase_size === 0 || (flash.erase_size & (flash.erase_size - 1)) !== 0)
    yield fault('FW_PROFILE_FLASH', `erase size ${flash.erase_size} is no power of two`, [
      'flash',
      'erase_size',
    ]);
  else if (flash.kind === 'nor' && flash.size > norLimit)
    yield fault('FW_PROFILE_FLASH', `flash size ${hex(flash.size)} is more than any NOR chip has`, [
      'flash',
      'size',
    ]);
  else if (flash.size === 0 || flash.size % flash.erase_size !== 0)
    yield fault('FW_PROFILE_FLASH', `flash size ${hex(flash.size)} is no multiple of the erase size`, [
      'flash',
      'size',
    ]);
  if (flash.kind === 'nand' && (flash.write_size ?? 1) < 512)
    yield warning('FW_PROFILE_FLASH', 'a NAND chip needs its page as write_size', ['flash', 'kind']);
}

function* lintPartitions({ partitions = [], flash }: ProfilePart): Generator<YamlProblem> {
  for (const [index, partition] of partitions.entries()) {
    const path = ['partitions', index];
    const twin = partitions.findIndex((other) => other.label === partition.label);
    if (twin < index)
      yield fault(
        'FW_PROFILE_DUPLICATE',
        `label ${partition.label} is already used by the partition at ${hex(partitions[twin]?.offset ?? 0)}`,
        [...path, 'label'],
      );
    if (partition.size === 0)
      yield fault('FW_PROFILE_PARTITION', `${partition.label} is empty`, [...path, 'size']);
    const parent = partitions.find((other) => other.label === partition.parent);
    if (partition.parent !== undefined && parent === undefined)
      yield fault(
        'FW_PROFILE_PARTITION',
        `${partition.label} is part of ${partition.parent}, which is not in the table`,
        [...path, 'parent'],
      );
    const room = parent?.size ?? flash?.size ?? Number.POSITIVE_INFINITY;
    const end = partition.offset + partition.size;
    if (end > room)
      yield fault(
        'FW_PROFILE_OUTSIDE',
        `${partition.label} ends at ${hex(end)}, beyond ${parent ? parent.label : 'the chip'} of ${hex(room)}`,
        [...path, partition.offset >= room ? 'offset' : 'size'],
      );
    if (flash) yield* lintAlignment(partition, parent?.offset ?? 0, flash, path);
    for (const other of partitions.slice(0, index)) {
      // Some vendors' tables really overlap; a note on one of the two says that this is known.
      const isKnown = partition.note !== undefined || other.note !== undefined;
      if (other.parent !== partition.parent || isKnown) continue;
      if (partition.offset < other.offset + other.size && other.offset < end)
        yield { ...overlapOf(partition, other), path: [...path, 'offset'] };
    }
  }
}

function overlapOf(partition: Partition, other: Partition): Omit<YamlProblem, 'path'> {
  const range = ({ offset, size }: Partition): string => `${hex(offset)} to ${hex(offset + size)}`;
  return {
    severity: 'error',
    code: 'FW_PROFILE_OVERLAP',
    message: `${partition.label} (${range(partition)}) overlaps ${other.label} (${range(other)})`,
    notes: ['if the tables of the board really overlap, say so in a note on one of the two'],
  };
}

function* lintAlignment(
  partition: Partition,
  base: number,
  flash: BoardProfileFile['flash'],
  path: readonly PropertyKey[],
): Generator<YamlProblem> {
  // Read-only partitions may share an erase block; writable ones must own theirs.
  if (partition.read_only) return;
  const unit = flash.minor_erase_size ?? flash.erase_size;
  if (unit === 0) return;
  for (const [key, value] of [
    ['offset', base + partition.offset],
    ['size', partition.size],
  ] as const) {
    if (value % unit !== 0)
      yield fault(
        'FW_PROFILE_ALIGNMENT',
        `${key} ${hex(value)} of ${partition.label} is no multiple of the erase size ${hex(unit)}; the kernel would make it read-only`,
        [...path, key],
      );
  }
}

function* lintSplit({ split, partitions, flash }: ProfilePart): Generator<YamlProblem> {
  if (split === undefined || partitions === undefined) return;
  const firmware = partitions.find((partition) => partition.label === 'firmware');
  if (split.mode === 'none') return;
  if (firmware === undefined) {
    yield fault('FW_PROFILE_PARTITION', 'no partition is labelled firmware, so nothing can be split', [
      'partitions',
    ]);
    return;
  }
  if (split.parser === undefined)
    yield fault('FW_PROFILE_SPLIT', `split mode ${split.mode} needs a parser`, ['split']);
  if (split.mode === 'nested' && firmware.parser === undefined)
    yield fault(
      'FW_PROFILE_SPLIT',
      'nested splitting needs a parser (compatible string) on the firmware partition',
      ['split', 'mode'],
    );
  if (split.mode === 'by-name' && firmware.parser !== undefined)
    yield fault('FW_PROFILE_SPLIT', 'splitting by name needs a firmware partition without parser', [
      'split',
      'mode',
    ]);
  if (flash && firmware.offset % Math.max(1, flash.erase_size) !== 0)
    yield warning(
      'FW_PROFILE_ALIGNMENT_FIRMWARE',
      `firmware at ${hex(firmware.offset)} is not on an erase block: rootfs_data would be read-only`,
      ['partitions', partitions.indexOf(firmware), 'offset'],
    );
}

function* lintSizes(file: ProfilePart): Generator<YamlProblem> {
  const firmware = file.partitions?.find((partition) => partition.label === 'firmware');
  if (firmware === undefined) return;
  for (const key of ['image_size', 'kernel_size'] as const) {
    const size = file[key];
    if (size !== undefined && size > firmware.size)
      yield fault(
        'FW_PROFILE_SIZE',
        `${key} ${hex(size)} is more than the firmware partition of ${hex(firmware.size)}`,
        [key],
      );
  }
  const reserve = file.overlay?.reserve ?? 0;
  if (reserve > firmware.size)
    yield fault('FW_PROFILE_SIZE', `reserve ${hex(reserve)} is more than the firmware partition`, [
      'overlay',
      'reserve',
    ]);
}

/** Every step that takes a file has a word on what that file is, and no other step has. */
function* lintLoaders({ kernel, firmware, artefacts, loaders }: ProfilePart): Generator<YamlProblem> {
  if (kernel === undefined || artefacts === undefined || loaders === undefined) return;
  const recipes = [kernel, firmware ?? '', ...Object.values(artefacts)];
  const steps = new Set(recipes.flatMap((recipe) => stepsWithFiles(parseRecipe(recipe).steps)));
  for (const step of Object.keys(loaders)) {
    if (!steps.has(step))
      yield fault('FW_PROFILE_STEP', `no recipe has a step ${step} that takes a file`, ['loaders', step]);
  }
  for (const step of steps) {
    if (loaders[step] === undefined)
      yield warning('FW_PROFILE_LOADER', `step ${step} takes a file; say in loaders what it is`, ['loaders']);
  }
}

function* lintRecipe(text: string | undefined, path: readonly PropertyKey[]): Generator<YamlProblem> {
  if (text === undefined) return;
  for (const { kind, message, hint, offset } of parseRecipe(text).faults)
    yield {
      severity: 'error',
      code: kind === 'unknown-step' ? 'FW_PROFILE_STEP' : 'FW_PROFILE_STEP_PARAMETERS',
      message,
      path,
      textOffset: offset,
      ...(hint === undefined ? {} : { notes: [hint] }),
    };
}

const fault = (code: ErrorCode, message: string, path: readonly PropertyKey[]): YamlProblem => ({
  severity: 'error',
  code,
  message,
  path,
});

const warning = (code: ErrorCode, message: string, path: readonly PropertyKey[]): YamlProblem => ({
  severity: 'warning',
  code,
  message,
  path,
});
