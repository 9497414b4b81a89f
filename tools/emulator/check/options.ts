/** What `firmwright check` is asked. */
import type { BoardProfile } from '../../boards/index.js';
import type { BranchName } from '../branches.js';
import type { ScriptEffect } from '../device/device.js';
import type { CutPoint } from '../power-cuts/cut-points.js';
import type { CutProgress } from '../power-cuts/shares.js';

/** What to check. */
export interface CheckOptions {
  readonly profile: BoardProfile;
  readonly image: Uint8Array;
  /** Newer image that the device is upgraded to, besides to itself. */
  readonly upgrade?: Uint8Array;
  readonly branch?: BranchName;
  readonly powerCuts?: 'none' | 'sample' | 'all';
  /** Cuts of each phase in a sample, and about as many during recovery; default 60. */
  readonly sampleSize?: number;
  /** One cut only. */
  readonly replay?: CutPoint;
  readonly scriptEffects?: readonly ScriptEffect[];
  /** Carry settings in the form that survives garbage collection, instead of what `mtd -j` writes. */
  readonly safeCarrier?: boolean;
  /** Called before each proof and awaited; may throw to cancel. */
  readonly onProof?: (title: string) => Promise<void>;
  /** Called after each cut and awaited; may throw to cancel. */
  readonly onCut?: (done: number, total: number, phase: string) => Promise<void>;
  /** Sweep with so many processes, in shares; absent: in this process, cut after cut. */
  readonly jobs?: number;
  /** A sweep in shares that was stopped; shares of another image, board or mode are not taken. */
  readonly cutProgress?: CutProgress;
  /** Called after each share, with what is to be kept. */
  readonly onCutShare?: (done: number, total: number, progress: CutProgress) => void;
  /** Stops a sweep in shares. */
  readonly signal?: AbortSignal;
}
