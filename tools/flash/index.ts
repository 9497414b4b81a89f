export { contentKey } from './content-key.js';
export { FlashError, PowerCut } from './errors.js';
export type { BadBlockBehaviour, PowerCutPlan, StuckBits, WearOut } from './faults.js';
export { explorePowerCutsInPool } from './explorer-pool.js';
export type { ExplorationSource, PoolOptions } from './explorer-pool.js';
export type { Flash } from './flash.js';
export { norGeometry } from './geometry.js';
export type { FlashGeometry } from './geometry.js';
export type { FlashSource } from './block-contents.js';
export { NorChip } from './nor-chip.js';
export type { FlashCounters, FlashOperation, FlashSnapshot, NorChipOptions } from './nor-chip.js';
export { FlashPartition } from './partition.js';
export type { PartitionRange } from './partition.js';
export { explorePowerCuts } from './power-cut-explorer.js';
export type {
  ChipWorkload,
  CutState,
  ExploreOptions,
  ExploreResult,
  Violation,
} from './power-cut-explorer.js';
export { spreadWork } from './share-pool.js';
export type { DoShare, SpreadOptions, WorkSource } from './share-pool.js';
export type { FlashTiming } from './timing.js';
export { readTrace, replayTrace, TraceRecorder } from './trace.js';
export type { TraceRecord } from './trace.js';
