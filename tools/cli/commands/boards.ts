/** `boards`: lists the profiles, shows one, checks files, lists the steps that their recipes may use. */
import { relative } from 'node:path';
import process from 'node:process';
import { checkBoardProfile } from '../../boards/index.js';
import type { BoardProfile } from '../../boards/index.js';
import { countOf, UsageError } from '../../core/index.js';
import { listSteps } from '../../firmware/index.js';
import { filterBoards, knownValues, withBoardFilters } from '../board-filter.js';
import type { BoardFilterArguments } from '../board-filter.js';
import { boardIds, loadBoard, profilePath } from '../board-profiles.js';
import { defineCommand, example } from '../command.js';
import type { Session } from '../command.js';
import type {
  BoardDocument,
  BoardLintDocument,
  BoardListDocument,
  StepListDocument,
} from '../documents/boards.js';
import { readText } from '../input-files.js';
import { recipeText, renderBoard, renderBoardList } from '../render/boards.js';
import { renderDiagnostics } from '../render/failure.js';
import { renderTable } from '../render/table.js';

/** The verb. */
export const boards = defineCommand(
  (yargs) =>
    withBoardFilters(yargs)
      .positional('action', {
        choices: ['list', 'show', 'lint', 'steps'] as const,
        default: 'list' as const,
        describe: 'what to do',
      })
      .positional('subject', {
        type: 'string',
        array: true,
        default: [] as string[],
        describe:
          'words of the id or name (list), a board id (show), ids and profile files (lint; all when none is named), words of the step (steps)',
      })
      .example(...example('$0 boards', 'all boards'))
      .example(...example('$0 boards list netgear --endian big', 'big-endian boards of one vendor'))
      .example(
        ...example(
          '$0 boards list --target ath79 --flash 8m..16m',
          'boards of a target by the size of their flash',
        ),
      )
      .example(...example('$0 boards show ubnt_unifi-ap', 'partitions and recipes of one'))
      .example(...example('$0 boards lint my-board.yaml', 'every fault of a profile, with line and column'))
      .example(...example('$0 boards steps pad', 'what the recipes of a profile can do')),
  (args, session) => {
    switch (args.action) {
      case 'list':
        list(args.subject, args, session);
        return Promise.resolve(0);
      case 'show':
        show(args.subject, session);
        return Promise.resolve(0);
      case 'lint':
        return Promise.resolve(lint(args.subject, session));
      case 'steps':
        steps(args.subject, session);
        return Promise.resolve(0);
    }
  },
);

function list(words: readonly string[], args: BoardFilterArguments, session: Session): void {
  const all = boardIds().map(loadBoard);
  const profiles = filterBoards(all, words, args);
  if (profiles.length === 0) session.note(`no board matches; ${knownValues(all)}\n`);
  const document: BoardListDocument = {
    schemaVersion: 1,
    boards: profiles.map((p) => ({
      id: p.id,
      name: p.name,
      target: p.target,
      arch: p.arch,
      endianness: p.endianness,
      flashKind: p.flash.kind,
      flashSize: p.flash.size,
      eraseSize: p.flash.eraseSize,
      ...(p.imageSize === undefined ? {} : { imageSize: p.imageSize }),
    })),
  };
  session.result(document, () => renderBoardList(document.boards, session.style));
}

function show(ids: readonly string[], session: Session): void {
  const [id, ...others] = ids;
  if (id === undefined || others.length > 0) {
    throw new UsageError('FW_USAGE_ARGUMENT', `boards show takes one board, not ${ids.length}`, {
      hint: 'firmwright boards show ubnt_unifi-ap',
    });
  }
  const profile = loadBoard(id);
  session.result(boardDocumentOf(profile), () => renderBoard(profile, session.style));
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
    loaders: { ...profile.loaders },
    artefacts: Object.fromEntries(profile.artefacts.map((a) => [a.name, recipeText(a.recipe)])),
  };
}

function lint(subjects: readonly string[], session: Session): number {
  const files = (subjects.length > 0 ? subjects : boardIds()).map(profilePath);
  const diagnostics = files.flatMap((path) => {
    const shown = relative(process.cwd(), path);
    return checkBoardProfile(readText(path, 'a board profile'), shown.startsWith('..') ? path : shown)
      .diagnostics;
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
    const summary = `${countOf(files.length, 'profile')}, ${countOf(errors, 'error')}, ${countOf(diagnostics.length - errors, 'warning')}\n`;
    return renderDiagnostics(diagnostics, session.style) + summary;
  });
  return errors > 0 ? 3 : 0;
}

function steps(words: readonly string[], session: Session): void {
  const found = listSteps().filter((step) =>
    words.every((word) => `${step.name} ${step.summary}`.toLowerCase().includes(word.toLowerCase())),
  );
  if (found.length === 0) session.note(`no step matches; firmwright boards steps lists all\n`);
  const document: StepListDocument = { schemaVersion: 1, steps: found.map((step) => ({ ...step })) };
  session.result(document, () =>
    renderTable(
      [{ heading: 'step' }, { heading: 'does' }],
      found.map(({ usage, summary }) => [usage, summary]),
      session.style.bold,
    ),
  );
}
