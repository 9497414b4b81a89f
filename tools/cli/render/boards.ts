/** Board profiles as text: the list, and one profile with its partitions and recipes. */
import type { BoardProfile } from '../../boards/index.js';
import { formatSize } from '../../core/index.js';
import type { BoardListDocument } from '../documents/boards.js';
import type { Style } from './style.js';
import { renderTable } from './table.js';

/** Renders the list of boards, one a line. */
export function renderBoardList(boards: BoardListDocument['boards'], style: Style): string {
  return renderTable(
    [
      { heading: 'id' },
      { heading: 'name' },
      { heading: 'target' },
      { heading: 'endian' },
      { heading: 'flash', align: 'right' },
      { heading: 'kind' },
      { heading: 'erase block', align: 'right' },
    ],
    boards.map((b) => [
      b.id,
      b.name,
      b.target,
      b.endianness,
      formatSize(b.flashSize),
      b.flashKind,
      formatSize(b.eraseSize),
    ]),
    style.bold,
  );
}

/** Renders what a profile says. */
export function renderBoard(profile: BoardProfile, style: Style): string {
  const { flash, split } = profile;
  const facts: readonly (readonly [string, string])[] = [
    ['target', `${profile.target}, ${profile.arch}, ${profile.endianness}-endian`],
    ['board name', profile.boardName],
    ['supported', profile.supportedDevices.join(' ')],
    ['flash', `${flash.kind} ${formatSize(flash.size)}, erase block ${formatSize(flash.eraseSize)}`],
    ['split', split.mode === 'none' ? 'none' : `${split.mode}, by the ${split.parser ?? '?'} splitter`],
    ['kernel', recipeText(profile.kernelRecipe)],
    ...Object.entries(profile.loaders).map(([step, what]) => [step, what] as const),
    ...profile.artefacts.map(({ name, recipe }) => [name, recipeText(recipe)] as const),
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  const lines = facts.map(([name, text]) => `  ${name.padEnd(width)}  ${text}\n`).join('');
  const table = renderTable(
    [
      { heading: 'partition' },
      { heading: 'offset', align: 'right' },
      { heading: 'size bytes' },
      { heading: 'access' },
    ],
    profile.partitions.map((p) => [
      p.label,
      `0x${p.offset.toString(16)}`,
      p.size,
      p.readOnly ? 'read-only' : 'writable',
    ]),
    style.bold,
  );
  return `${style.bold(profile.name)} (${profile.id})\n${lines}\n${table}`;
}

/** A recipe as profiles write it. */
export function recipeText(steps: BoardProfile['kernelRecipe']): string {
  return steps.map((step) => step.text).join(' | ');
}
