/** Which forms of whiteouts and opaque marks are read in one layer. */
import type { ByteString } from '../core/index.js';
import type { WhiteoutForm } from './policy.js';

/** mini_fo's list of what changed in a directory. */
export const miniFoList = 'META_dAfFgHE39ktF3HD2sr' as ByteString;
/** Folder of unionfs-fuse's records, under the root of a layer. */
export const hiddenFolder = '.unionfs' as ByteString;

/** How the marks of one layer are read, compiled from the forms chosen. */
export interface MarkReading {
  /** Character device 0:0. */
  readonly devices: boolean;
  /** Empty file with a mark, in a directory marked `x`. */
  readonly emptyFiles: boolean;
  /** This union makes such files, and marks a directory for its first one: any directory may be marked by now. */
  readonly makesEmptyFiles: boolean;
  /** Symlink to `(overlay-whiteout)`, with its attribute or by its text alone. */
  readonly links: 'no' | 'attribute' | 'text';
  /** `.wh.NAME`. */
  readonly names: boolean;
  /** Prefixes of private attributes; the first is the one that is written. */
  readonly prefixes: readonly string[];
  /** Opaque marks of fuse-overlayfs count too. */
  readonly fuse: boolean;
  /** Whiteouts and opaque flags that the file system itself has. */
  readonly entries: boolean;
  /** Names of lists, which a new mount would take for marks. */
  readonly lists: readonly ByteString[];
}

/** Compiles the forms that are read; the first is the one that is written. */
export function markReading(kinds: readonly WhiteoutForm[], prefix: string): MarkReading {
  const forms = new Set(kinds);
  const fuse = forms.has('fuse-overlayfs');
  return {
    devices: forms.has('overlay') || fuse,
    emptyFiles: forms.has('overlay-x'),
    makesEmptyFiles: kinds[0] === 'overlay-x',
    links: forms.has('overlay-v7-text') ? 'text' : forms.has('overlay-v7') ? 'attribute' : 'no',
    names: forms.has('aufs') || fuse,
    prefixes: fuse ? [...new Set([prefix, 'trusted.overlay.', 'user.overlay.'])] : [prefix],
    fuse,
    entries: forms.has('bsd'),
    lists: [
      ...(forms.has('mini_fo') ? [miniFoList] : []),
      ...(forms.has('unionfs-fuse') ? [hiddenFolder] : []),
    ],
  };
}
