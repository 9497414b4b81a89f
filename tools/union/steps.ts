/** Where operations of a union stop, and the levels of its locks. */
import { TOPOLOGY_LEVEL } from '../vfs/index.js';
import type { Step } from '../vfs/index.js';

/** A call into the upper at a place that others can see. */
export const upperStep: Step = { kind: 'access', what: 'upper', unseen: false };
/** A call into the upper for an object that nobody else knows. */
export const workStep: Step = { kind: 'access', what: 'work', unseen: true };
/** The next piece of a copy, where it can be cancelled. */
export const copyStep: Step = { kind: 'access', what: 'copy', unseen: true };

/** Lock levels in the order in which they are taken; the layers' own calls are atomic and need none. */
export const lockLevels = { topology: TOPOLOGY_LEVEL, directory: 2, copyUp: 3 } as const;
