export { inspectFile } from './inspect.js';
export type { Inspection, InspectOptions } from './inspect.js';
export { walkParts } from './part.js';
export { leavesOf, stripMap } from './strip-map.js';
export type { Leaf, StripMap } from './strip-map.js';
export type { Check, Detail, Part, PartKind } from './part.js';
