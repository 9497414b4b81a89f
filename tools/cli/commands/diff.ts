/** `diff`: what differs between two images; exit 10 when the new one does not fit, 11 when it breaks a limit. */
import { ScenarioError, UsageError, parseSize } from '../../core/index.js';
import { compareImages, diffMarkdown, readImageContents, refusable } from '../../diff/index.js';
import type { ImageContents, ImageDiff } from '../../diff/index.js';
import { boardOfImage } from '../board-profiles.js';
import { cancellationPoint } from '../cancellation-point.js';
import { budgetError } from '../budgets.js';
import { defineCommand, example } from '../command.js';
import { boardOption } from '../device-options.js';
import { diffDocumentOf } from '../documents/diff.js';
import { readInput } from '../input-files.js';
import { renderDiff } from '../render/diff.js';

/** The verb. */
export const diff = defineCommand(
  (yargs) =>
    yargs
      .positional('old', { type: 'string', demandOption: true, describe: 'the image before' })
      .positional('new', { type: 'string', demandOption: true, describe: 'the image after' })
      .option('board', boardOption)
      .option('old-board', { type: 'string', describe: 'profile of the old image, where it is another' })
      .option('format', { choices: ['text', 'markdown'] as const, default: 'text' as const })
      .option('max-growth', { type: 'string', describe: 'fail when the squashfs grows by more, such as 64k' })
      .option('max-blocks-lost', {
        type: 'number',
        describe: 'fail when the overlay loses more erase blocks',
      })
      .option('refuse', {
        choices: refusable,
        array: true,
        default: [],
        describe: 'fail on such a change',
      })
      .example(...example('$0 diff old.bin new.bin', 'packages, files, flash'))
      .example(
        ...example(
          '$0 diff old.bin new.bin --format markdown --max-growth 64k --refuse dangling downgrade',
          'as a gate for a pull request',
        ),
      ),
  async (args, session) => {
    const bytes = { before: await readInput(args.old, session), after: await readInput(args.new, session) };
    const profile = boardOfImage(args.board, bytes.after, args.new);
    const oldProfile =
      args.oldBoard === undefined ? profile : boardOfImage(args.oldBoard, bytes.before, args.old);
    const after = readImageContents(bytes.after, profile);
    await cancellationPoint(session.signal);
    const before = readImageContents(bytes.before, oldProfile);
    await cancellationPoint(session.signal);
    const result = compareImages(before, after, {
      maxGrowth: growthOf(args.maxGrowth),
      maxBlocksLost: args.maxBlocksLost,
      refuse: args.refuse,
    });
    await cancellationPoint(session.signal);
    session.result(diffDocumentOf(result), () =>
      args.format === 'markdown' ? diffMarkdown(result) : renderDiff(result, session.style),
    );
    const failure = failureOf(result, after);
    if (failure) session.fail(failure);
    return failure?.exitCode;
  },
);

function growthOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const size = parseSize(text);
  if (size === undefined)
    throw new UsageError('FW_USAGE_ARGUMENT', `--max-growth ${text} is no size`, { hint: 'such as 64k' });
  return size;
}

function failureOf(
  { breaches }: ImageDiff,
  { budget }: ImageContents,
): ScenarioError | ReturnType<typeof budgetError> {
  const overflow = budgetError([budget]);
  if (overflow) return overflow;
  const [first, ...others] = breaches;
  if (!first) return undefined;
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  return new ScenarioError('FW_DIFF_LIMIT', `${first.limit}: ${first.text}${more}`, { data: { breaches } });
}
