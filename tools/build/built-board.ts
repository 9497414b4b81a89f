/** What a build made for one board. */
import type { BoardProfile } from '../boards/index.js';
import type { BoardImages } from './board-images.js';
import type { ManifestFile } from './manifest.js';
import type { BoardPlan } from './plan.js';

/** A packed root file system. */
export interface PackedRoot {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly cached: boolean;
}

/** Result for one board, staged. */
export interface BuiltBoard {
  readonly plan: BoardPlan;
  readonly profile: BoardProfile;
  readonly images: BoardImages;
  readonly packed: PackedRoot;
  readonly kernelInput: { readonly path: string; readonly sha256: string };
  /** SHA-256 of the files of steps that took one besides, by the name of the step. */
  readonly stepFiles: Readonly<Record<string, string>>;
  readonly files: readonly ManifestFile[];
}
