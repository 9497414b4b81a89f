export { checkBoardProfile, loadBoardProfile } from './load.js';
export type { CheckedProfile } from './load.js';
export { findPartition, stepBoard } from './profile.js';
export type { BoardArtefact, BoardPartition, BoardProfile, BoardSplit } from './profile.js';
export { boardProfileJsonSchema } from './schema.js';
export { checkYamlFile } from './yaml-file.js';
export type { CheckedYaml } from './yaml-file.js';
export type { YamlProblem } from './yaml-problem.js';
