/** Budgets of what `budget` and `tune` are given: a recipe, which is built for it, or an image. */
import { executeBuild } from '../build/index.js';
import { boardOfImage, loadBoard, otherDevices } from './board-profiles.js';
import { executeOptions, planFrom } from './build-options.js';
import type { BuildArguments } from './build-options.js';
import { countBuilt, countEach, countImage } from './budgets.js';
import type { CountedBoard } from './budgets.js';
import type { Session } from './command.js';
import { readInput } from './input-files.js';
import { withTemporaryFolder } from './temporary-folder.js';

/** Counts a recipe (`.yaml`) or an image on every board that is named; an image may name its board itself. */
export async function countSubject(
  subject: string,
  args: BuildArguments,
  session: Session,
): Promise<CountedBoard[]> {
  if (/\.ya?ml$/.test(subject)) return countRecipe(subject, args, session);
  const bytes = await readInput(subject, session);
  const profiles =
    args.board.length === 0 ? [boardOfImage(undefined, bytes, subject)] : args.board.map(loadBoard);
  for (const profile of profiles) {
    const warning = otherDevices(profile, bytes, subject);
    if (warning !== undefined) session.warn(warning, 'other-board');
  }
  return countEach(profiles, (profile) => countImage(bytes, profile), session.signal);
}

/** Builds into a temporary folder, counts, and lets the build go. */
async function countRecipe(recipe: string, args: BuildArguments, session: Session): Promise<CountedBoard[]> {
  const { plan, profiles } = planFrom(recipe, args, session);
  return withTemporaryFolder(async (outputFolder) => {
    const options = { ...executeOptions(args, session), outputFolder };
    await using staged = await executeBuild(plan, profiles, options);
    return await countEach(staged.boards, countBuilt, session.signal);
  });
}
