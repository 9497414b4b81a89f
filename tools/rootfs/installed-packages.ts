import type { ByteString } from '../core/index.js';

/** A package that the lists in a root tree call installed. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Names it depends on, without versions; alternatives and virtual names as written. */
  readonly dependencies: readonly string[];
  /** Absolute paths of its files, sorted by bytes. */
  readonly files: readonly ByteString[];
  /** Those of its files that an upgrade keeps. */
  readonly conffiles: readonly ByteString[];
}
