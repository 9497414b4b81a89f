/**
 * Files that single steps of a board take besides kernel and root, such as the loader in front of the kernel. The project
 * ships none of them: the profile says what they are, recipe and command line name them.
 */
import type { BoardProfile } from '../boards/index.js';
import { UsageError } from '../core/index.js';
import { stepsWithFiles } from '../firmware/index.js';

/** A file for a step that takes one besides. */
export interface LoaderChoice {
  readonly board?: string | undefined;
  readonly step?: string | undefined;
  readonly path: string;
}

/** An artefact that is not made because a step of it has no file. */
export interface LeftOutArtefact {
  readonly name: string;
  readonly step: string;
  /** What the file is, from the profile. */
  readonly what?: string | undefined;
}

/** Gives each file to its step: those of the recipe, then those of the options over them. */
export function stepFilesOf(
  profile: BoardProfile,
  recipeFiles: Readonly<Record<string, string>>,
  choices: readonly LoaderChoice[],
): Record<string, string> {
  const steps = stepsWithFiles([
    ...profile.kernelRecipe,
    ...profile.firmwareRecipe,
    ...profile.artefacts.flatMap(({ recipe }) => recipe),
  ]);
  const all = [
    ...Object.entries(recipeFiles).map(([step, path]) => ({ step: step === '' ? undefined : step, path, isOwn: true })),
    ...choices
      .filter(({ board }) => board === undefined || board === profile.id)
      .map(({ board, step, path }) => ({ step, path, isOwn: board !== undefined })),
  ];
  const files: Record<string, string> = {};
  for (const { step, path, isOwn } of all) {
    const [only, ...others] = step === undefined ? steps : steps.filter((name) => name === step);
    if (only !== undefined && others.length === 0) files[only] = path;
    // A file for every board is no fault for those that take none.
    else if (only !== undefined || isOwn) {
      throw new UsageError(
        'FW_USAGE_LOADER',
        steps.length === 0
          ? `board ${profile.id} takes no loader: none of its steps has a file`
          : `board ${profile.id} has ${steps.length} steps that take a file: ${steps.join(', ')}; ${path} is for ${step ?? 'none of them by name'}`,
        { hint: `name the step: --loader ${profile.id}:${steps[0] ?? 'STEP'}=FILE`, data: { board: profile.id, expected: steps, found: step } },
      );
    }
  }
  return files;
}

/** An artefact whose step has no file is left out, as long as the partition `firmware` can be made without it. */
export function artefactsWithoutFile(
  { artefacts, firmwareRecipe, loaders }: BoardProfile,
  stepFiles: Readonly<Record<string, string>>,
): LeftOutArtefact[] {
  const needed = stepsWithFiles(firmwareRecipe);
  return artefacts.flatMap(({ name, recipe }) => {
    const step = stepsWithFiles(recipe).find((taker) => !Object.hasOwn(stepFiles, taker) && !needed.includes(taker));
    return step === undefined ? [] : [{ name, step, what: loaders[step] }];
  });
}
