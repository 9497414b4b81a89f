/**
 * Policies as data: what the unions of the field do differently. `overlayfs` is the default; DESIGN.md holds the
 * table of differences.
 */
import { UsageError } from '../core/index.js';
import type { CopyMode } from './copy-mode.js';

/** Forms in which layers record removed names; see DESIGN.md "Whiteout forms". The last two only in the upper. */
export type WhiteoutForm =
  | 'overlay'
  | 'overlay-x'
  | 'overlay-v7'
  | 'overlay-v7-text'
  | 'aufs'
  | 'fuse-overlayfs'
  | 'bsd'
  | 'unionfs-fuse'
  | 'mini_fo';

/** Forms that can be written. */
export type WrittenForm = 'overlay' | 'overlay-x' | 'overlay-v7' | 'aufs';

/** Everything that can be chosen when a union is mounted, apart from its layers. */
export interface UnionPolicy {
  readonly name: string;
  /** The form that is written; `overlay` falls back to `overlay-x`, then `aufs`, where the upper cannot hold it. */
  readonly writes: WrittenForm;
  /** Forms recognised in every layer besides the written one. */
  readonly reads: readonly WhiteoutForm[];
  /** `always`: each removal leaves a whiteout, needed or not (FreeBSD). */
  readonly whiteout: 'whenneeded' | 'always';
  /** Prefix of the private attributes. */
  readonly prefix: 'trusted.overlay.' | 'user.overlay.';
  readonly copyMode: CopyMode;
  /** Renaming lower directories by a mark: made and followed, followed, neither, neither. */
  readonly redirectDir: 'on' | 'follow' | 'nofollow' | 'off';
  /** Longest absolute redirect that is written, in bytes. */
  readonly redirectMax: number;
  /** Keeps lower hard links together across copy-up. */
  readonly index: boolean;
  /** Copies attributes without data where data is not needed. */
  readonly metacopy: boolean;
  /**
   * When a lower file comes to the upper: at its first change, or as on Linux already when it is opened for writing,
   * so that running out of space is told there (64).
   */
  readonly copyUp: 'write' | 'open';
  /** `shadow`: reading a lower file copies it up, so that its access time can be stored (FreeBSD). */
  readonly atime: 'lower' | 'shadow';
  /** Removals may use the room that the upper keeps back for them, so that they work when it is full (216). */
  readonly reserve: boolean;
  /** Nothing is flushed; a marker stays while mounted. */
  readonly volatile: boolean;
}

const overlayfs: UnionPolicy = {
  name: 'overlayfs',
  writes: 'overlay',
  reads: ['overlay', 'overlay-x'],
  whiteout: 'whenneeded',
  prefix: 'trusted.overlay.',
  copyMode: { kind: 'transparent' },
  redirectDir: 'on',
  redirectMax: 256,
  index: true,
  metacopy: false,
  copyUp: 'write',
  atime: 'lower',
  reserve: true,
  volatile: false,
};

/** The ready-made policies by name. */
export const policies = {
  overlayfs,
  openwrt: {
    ...overlayfs,
    name: 'openwrt',
    reads: ['overlay', 'overlay-x', 'overlay-v7'],
    redirectDir: 'off',
    index: false,
    reserve: false,
  },
  unionfs: {
    ...overlayfs,
    name: 'unionfs',
    reads: ['overlay', 'overlay-x', 'bsd'],
    whiteout: 'always',
    redirectDir: 'off',
    index: false,
  },
  aufs: { ...overlayfs, name: 'aufs', writes: 'aufs', reads: ['aufs'], redirectDir: 'off', index: false },
} as const satisfies Record<string, UnionPolicy>;

/** Name of a ready-made policy. */
export type PolicyName = keyof typeof policies;

/**
 * Refuses combinations of options that contradict each other (union-semantics 14).
 *
 * @throws UsageError FW_UNION_OPTIONS naming both options
 */
export function checkPolicy(policy: UnionPolicy, writable: boolean): void {
  const { redirectDir } = policy;
  if (policy.metacopy && (redirectDir === 'off' || redirectDir === 'nofollow')) {
    refuse('metacopy needs redirects: a renamed file could not find its data', 'redirectDir');
  }
  if (policy.metacopy && redirectDir === 'follow' && writable) {
    refuse('metacopy on a writable union must be able to write redirects', 'redirectDir');
  }
  if (policy.writes === 'aufs' && (policy.index || policy.metacopy || redirectDir === 'on')) {
    refuse('the aufs form keeps no attributes: index, metacopy and redirects must be off', 'writes');
  }
  if (!Number.isInteger(policy.redirectMax) || policy.redirectMax < 0 || policy.redirectMax > 4095) {
    refuse(`redirectMax is ${policy.redirectMax}, expected 0 to 4095 bytes`, 'redirectMax');
  }
}

function refuse(message: string, option: string): never {
  throw new UsageError('FW_UNION_OPTIONS', message, { data: { option, errno: 'EINVAL' } });
}
