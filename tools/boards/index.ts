export { lintProfile } from './lint.js';
export { checkBoardProfile, loadBoardProfile } from './load.js';
export type { CheckedProfile } from './load.js';
export { findPartition, stepBoard } from './profile.js';
export type { BoardArtefact, BoardPartition, BoardProfile, BoardSplit } from './profile.js';
export { boardProfileJsonSchema, boardProfileSchema } from './schema.js';
export type { BoardProfileFile } from './schema.js';
export { checkYamlFile } from './yaml-file.js';
export type { CheckedYaml, YamlProblem } from './yaml-file.js';
