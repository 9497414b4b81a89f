/** `build --verify`: whether the same bytes come out again. */
import type { BoardProfile } from '../boards/index.js';
import { executeBuild } from '../build/index.js';
import type { ArtefactDifference, BuildPlan, ExecuteOptions } from '../build/index.js';
import { ReproducibilityError } from '../core/index.js';
import { budgetsByBoard, recordedBudgets } from './budgets.js';
import type { Session } from './command.js';
import { withTemporaryFolder } from './temporary-folder.js';

/**
 * Builds aside, with nothing from the cache, and compares with the artefacts of an earlier build.
 *
 * @throws ReproducibilityError FW_BUILD_DIFFERS; what the build throws
 */
export async function verifyBuild(
  folder: string,
  plan: BuildPlan,
  profiles: readonly BoardProfile[],
  options: Omit<ExecuteOptions, 'outputFolder'>,
  session: Session,
): Promise<void> {
  await withTemporaryFolder(async (outputFolder) => {
    const aside = { ...options, outputFolder, cacheFolder: undefined };
    await using staged = await executeBuild(plan, profiles, aside);
    const budgets = await recordedBudgets(staged, session.signal);
    const differences = await staged.compareWith(folder, budgetsByBoard(budgets));
    if (differences.length > 0) throw notReproduced(folder, differences);
  });
  const boards = plan.boards.map(({ board }) => board);
  session.result(
    { schemaVersion: 1, verified: folder, boards },
    () => `${folder}: the same bytes come out again, for ${boards.join(', ')}\n`,
  );
}

function notReproduced(folder: string, differences: readonly ArtefactDifference[]): ReproducibilityError {
  const [first] = differences;
  const what =
    first?.kind === 'differs'
      ? `${first.file} differs from byte ${first.offset}`
      : `${first?.file} is not there`;
  const more = differences.length > 1 ? `, and ${differences.length - 1} more` : '';
  return new ReproducibilityError(
    'FW_BUILD_DIFFERS',
    `${folder} holds other bytes than this build: ${what}${more}`,
    {
      hint: 'compare the inputs that firmwright.json names, its version, the build time and the key',
      data: { folder, differences },
    },
  );
}
