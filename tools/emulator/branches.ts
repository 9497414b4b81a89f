/**
 * What differs between OpenWrt's release branches in boot, reset and upgrade, as data.
 *
 * The flows ask for a trait by name and never for a branch, so that a new branch is one more row here.
 * Source: base-files, fstools and procd of each branch (19.07 to 25.12), compared topic by topic; for 14.07 the scripts
 * of a device that runs it and the overlay on its flash.
 */

/** Release branches the emulator knows, oldest first. */
export const branchNames = ['14.07', '19.07', '21.02', '22.03', '23.05', '24.10', '25.12'] as const;

/** Name of a release branch. */
export type BranchName = (typeof branchNames)[number];

/** The traits of one branch. */
export interface Branch {
  readonly name: BranchName;
  /** Where the overlay's upper directory is: /overlay itself, with whiteouts as symlinks, or /overlay/upper. */
  readonly upperAt: 'overlay' | 'overlay/upper';
  /** /overlay/.fs_state tells whether the overlay is in use. */
  readonly keepsState: boolean;
  /** The archive is moved to RAM before it is unpacked: a power cut then loses the settings. */
  readonly restoreMovesArchive: boolean;
  /** Program behind `firstboot`. */
  readonly resetProgram: 'jffs2reset' | 'factoryreset';
  /** The restore keeps new accounts of the image by merging passwd, group and shadow, and syncs. */
  readonly restoreMergesAccounts: boolean;
  /** Seconds in which preinit listens for failsafe. */
  readonly failsafeWaitSeconds: number;
  /** When an extroot is compared with the firmware: at every boot, or only where etc/.extroot-default is. */
  readonly extrootCheck: 'always' | 'with-default-file';
  /** `block extroot` looks at the overlay that is mounted before it mounts rootfs_data itself. */
  readonly extrootTriesOverlayFirst: boolean;
  /** compat_version of image and device are compared. */
  readonly checksCompatVersion: boolean;
  /** `--ignore-minor-compat-version` is known. */
  readonly ignoresMinorCompat: boolean;
  /** The backup starts with `etc/uci-defaults/10_disable_services`. */
  readonly backupDisablesServices: boolean;
  /** Conffiles are also read from apk's package lists. */
  readonly readsApkLists: boolean;
  /** A FIT of at most so many bytes has its root inside; above, the root is behind it. */
  readonly fitSplitThreshold: number | undefined;
}

const branch1907: Branch = {
  name: '19.07',
  upperAt: 'overlay/upper',
  keepsState: true,
  restoreMovesArchive: false,
  resetProgram: 'jffs2reset',
  restoreMergesAccounts: false,
  failsafeWaitSeconds: 2,
  extrootCheck: 'always',
  extrootTriesOverlayFirst: false,
  checksCompatVersion: false,
  ignoresMinorCompat: false,
  backupDisablesServices: false,
  readsApkLists: false,
  fitSplitThreshold: undefined,
};
/** Barrier Breaker, on which many vendors still build. */
const branch1407: Branch = {
  ...branch1907,
  name: '14.07',
  upperAt: 'overlay',
  keepsState: false,
  restoreMovesArchive: true,
};
const branch2102: Branch = { ...branch1907, name: '21.02', checksCompatVersion: true };
const branch2203: Branch = {
  ...branch2102,
  name: '22.03',
  restoreMergesAccounts: true,
  ignoresMinorCompat: true,
  fitSplitThreshold: 0x1000,
};
const branch2305: Branch = { ...branch2203, name: '23.05' };
const branch2410: Branch = {
  ...branch2305,
  name: '24.10',
  failsafeWaitSeconds: 4,
  extrootCheck: 'with-default-file',
  extrootTriesOverlayFirst: true,
  backupDisablesServices: true,
  readsApkLists: true,
};
const branch2512: Branch = {
  ...branch2410,
  name: '25.12',
  resetProgram: 'factoryreset',
  fitSplitThreshold: 0x80000,
};

/** Traits by branch name. */
export const branches: Readonly<Record<BranchName, Branch>> = {
  '14.07': branch1407,
  '19.07': branch1907,
  '21.02': branch2102,
  '22.03': branch2203,
  '23.05': branch2305,
  '24.10': branch2410,
  '25.12': branch2512,
};

/** The branch that is meant where neither the user nor the firmware names one. */
export const defaultBranch: BranchName = '25.12';

/** The branch whose flows a release such as 19.07.7 runs: its own, or else the next that is known. */
export function branchOfRelease(release: string): BranchName {
  return branchNames.find((name) => name >= release.slice(0, name.length)) ?? defaultBranch;
}
