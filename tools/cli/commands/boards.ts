/** `boards`: lists the profiles, shows one, or checks files. */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import process from 'node:process';
import { checkBoardProfile } from '../../boards/index.js';
import type { BoardProfile } from '../../boards/index.js';
import { formatSize, UsageError } from '../../core/index.js';
import { boardIds, loadBoard, profilePath } from '../board-profiles.js';
import { defineCommand } from '../command.js';
import type { Session } from '../command.js';
import type { BoardDocument, BoardLintDocument, BoardListDocument } from '../documents/boards.js';
import { renderDiagnostics } from '../render/failure.js';
import { renderTable } from '../render/table.js';

/** The verb. */
export const boards = defineCommand(
  (yargs) =>
    yargs
      .positional('action', {
        choices: ['list', 'show', 'lint'] as const,
        default: 'list' as const,
        describe: 'what to do',
      })
      .positional('subject', {
        type: 'string',
        array: true,
        default: [] as string[],
        describe: 'board ids (show), or ids and profile files (lint; all when none is named)',
      })
      .example('$0 boards', 'all boards')
      .example('$0 boards show ubnt_unifi-ap', 'partitions and recipes of one')
      .example('$0 boards lint my-board.yaml', 'every fault of a profile, with line and column'),
  (args, session) => {
    switch (args.action) {
      case 'list':
        list(session);
        return Promise.resolve(0);
      case 'show':
        show(args.subject, session);
        return Promise.resolve(0);
      case 'lint':
        return Promise.resolve(lint(args.subject, session));
    }
  },
);

function list(session: Session): void {
  const profiles = boardIds().map(loadBoard);
  const document: BoardListDocument = {
    schemaVersion: 1,
    boards: profiles.map((p) => ({
      id: p.id,
      name: p.name,
      target: p.target,
      endianness: p.endianness,
      flashSize: p.flash.size,
      eraseSize: p.flash.eraseSize,
      ...(p.imageSize === undefined ? {} : { imageSize: p.imageSize }),
    })),
  };
  session.result(document, () =>
    renderTable(
      [
        { heading: 'id' },
        { heading: 'name' },
        { heading: 'target' },
        { heading: 'endian' },
        { heading: 'flash', align: 'right' },
        { heading: 'erase block', align: 'right' },
      ],
      document.boards.map((b) => [
        b.id,
        b.name,
        b.target,
        b.endianness,
        formatSize(b.flashSize),
        formatSize(b.eraseSize),
      ]),
      session.style.bold,
    ),
  );
}

function show(ids: readonly string[], session: Session): void {
  const [id, ...others] = ids;
  if (id === undefined || others.length > 0) {
    throw new UsageError('FW_USAGE_ARGUMENT', `boards show takes one board, not ${ids.length}`, {
      hint: 'firmwright boards show ubnt_unifi-ap',
    });
  }
  const profile = loadBoard(id);
  session.result(boardDocumentOf(profile), () => renderBoard(profile, session));
}

function boardDocumentOf(profile: BoardProfile): BoardDocument {
  const { kind, size, eraseSize } = profile.flash;
  const { mode, parser } = profile.split;
  return {
    schemaVersion: 1,
    id: profile.id,
    name: profile.name,
    target: profile.target,
    arch: profile.arch,
    endianness: profile.endianness,
    boardName: profile.boardName,
    supportedDevices: [...profile.supportedDevices],
    compatVersion: profile.compatVersion,
    flash: { kind, size, eraseSize },
    partitions: profile.partitions.map((p) => ({
      label: p.label,
      offset: p.offset,
      size: p.size,
      readOnly: p.readOnly,
    })),
    split: { mode, ...(parser === undefined ? {} : { parser }) },
    kernelRecipe: recipeText(profile.kernelRecipe),
    artefacts: Object.fromEntries(profile.artefacts.map((a) => [a.name, recipeText(a.recipe)])),
  };
}

function recipeText(steps: BoardProfile['kernelRecipe']): string {
  return steps.map((step) => step.text).join(' | ');
}

function renderBoard(profile: BoardProfile, { style }: Session): string {
  const { flash, split } = profile;
  const facts: readonly (readonly [string, string])[] = [
    ['target', `${profile.target}, ${profile.arch}, ${profile.endianness}-endian`],
    ['board name', profile.boardName],
    ['supported', profile.supportedDevices.join(' ')],
    ['flash', `${flash.kind} ${formatSize(flash.size)}, erase block ${formatSize(flash.eraseSize)}`],
    ['split', split.mode === 'none' ? 'none' : `${split.mode}, by the ${split.parser ?? '?'} splitter`],
    ['kernel', recipeText(profile.kernelRecipe)],
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

function lint(subjects: readonly string[], session: Session): number {
  const files = (subjects.length > 0 ? subjects : boardIds()).map(profilePath);
  const diagnostics = files.flatMap((path) => {
    const shown = relative(process.cwd(), path);
    return checkBoardProfile(readFileSync(path, 'utf8'), shown.startsWith('..') ? path : shown).diagnostics;
  });
  const errors = diagnostics.filter((d) => d.severity === 'error').length;
  const document: BoardLintDocument = {
    schemaVersion: 1,
    files: files.length,
    errors,
    diagnostics: diagnostics.map(({ notes, ...rest }) => ({
      ...rest,
      ...(notes ? { notes: [...notes] } : {}),
    })),
  };
  session.result(document, () => {
    const summary = `${files.length} profiles, ${errors} errors, ${diagnostics.length - errors} warnings\n`;
    return renderDiagnostics(diagnostics, session.style) + summary;
  });
  return errors > 0 ? 3 : 0;
}
