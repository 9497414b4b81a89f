export type { BoardImages, Oversize } from './board-images.js';
export type { BuiltBoard, PackedRoot } from './built-board.js';
export { executeBuild } from './execute.js';
export type { ExecuteOptions, StagedBuild, TaskRunner } from './execute.js';
export type { ManifestFile } from './manifest.js';
export type { ArtefactDifference } from './staging.js';
export { planBuild, squashfsParameters } from './plan.js';
export type {
  ArtefactPlan,
  BoardPlan,
  BuildPlan,
  FlashPart,
  PackPlan,
  PlannedStep,
  PlanOptions,
  SquashfsParameters,
} from './plan.js';
export type { LeftOutArtefact, LoaderChoice } from './step-files.js';
export { imageRecipeJsonSchema, loadRecipe } from './recipe.js';
export type { ImageRecipe, RecipeBoard } from './recipe.js';
