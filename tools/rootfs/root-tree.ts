/**
 * What the root tree is assembled from, and what comes out. `assembleRootTree(sources, options)` in assemble.ts does
 * the work; build, budget and the command line know only these shapes.
 */
import type { ByteString } from '../core/index.js';
import type { DeviceNumber, TreeDirectory } from '../vfs/index.js';
import type { InstalledPackage } from './installed-packages.js';

/** A folder of the host. */
export interface FolderSource {
  readonly kind: 'folder';
  readonly path: string;
  /**
   * `clean` (default): root:root; 0755 for directories and what its owner may execute, 0644 for other files, so that
   * neither the builder's uid nor umask shows. `keep`: as on the host. `recorded`: as in the record beside the folder,
   * which unpacking wrote.
   */
  readonly attributes?: 'clean' | 'keep' | 'recorded';
}

/** A tar or cpio archive, plain or packed with gz, xz, zst, bz2, lz4 or lzma; attributes as archived. */
export interface ArchiveSource {
  readonly kind: 'archive';
  readonly path: string;
}

/** A squashfs image, at `offset` bytes of the file (default 0); attributes as in the image. */
export interface SquashfsSource {
  readonly kind: 'squashfs';
  readonly path: string;
  readonly offset?: number;
}

/** Packages from ipk feeds, resolved and installed as opkg would, without running any script. */
export interface PackagesSource {
  readonly kind: 'packages';
  /** Folders with ipk files and, usually, an index `Packages` or `Packages.gz`. */
  readonly feeds: readonly string[];
  /** Names to install with all they depend on; `-name` takes a name out, as in ImageBuilder. */
  readonly packages: readonly string[];
}

/** One source of the root tree. */
export type RootSource = FolderSource | ArchiveSource | SquashfsSource | PackagesSource;

/**
 * One line of the attribute table: changes what stands at `path`, or makes it when `type` is given.
 *
 * Rules apply in order, after all sources. A path that is not there is an error unless `type` makes it.
 */
export interface AttributeRule {
  /** Absolute path in the image, UTF-8 text. */
  readonly path: string;
  /** With `true` the rule also applies to everything below the directory (`type`, `rdev` and `target` do not). */
  readonly recursive?: boolean;
  /** Makes the object when it is absent; an object of another type there is replaced unless it is a directory. */
  readonly type?: 'directory' | 'file' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket';
  /** Permission bits, 0o7777. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly rdev?: DeviceNumber;
  /** Target of a symlink, UTF-8 text. */
  readonly target?: string;
  /** Full names; `undefined` takes an attribute away. */
  readonly xattrs?: Readonly<Record<string, Uint8Array | undefined>>;
  /** Capabilities as setcap(8) takes them, such as `cap_net_raw,cap_net_bind_service+ep`. */
  readonly capabilities?: string;
}

/** How sources become a tree. */
export interface RootTreeOptions {
  /** Existing folder for spooled file contents; they are removed by `dispose`. */
  readonly temporaryFolder: string;
  /** Time of everything that has none of its own, and of all that comes from folders; seconds since 1970 UTC. */
  readonly sourceDateEpoch: number;
  readonly attributes?: readonly AttributeRule[];
  /** Names of installed packages whose files go. */
  readonly dropPackages?: readonly string[];
  /** Most bytes that file contents may take in all, holes counted; default 8 GiB. */
  readonly contentLimit?: number;
  /** Whether to work out `RootTree.inputs`, which reads every content once; default true. */
  readonly hashInputs?: boolean;
  readonly signal?: AbortSignal;
}

/** Something worth a look that did not stop the work. */
export interface RootWarning {
  readonly code:
    | 'package-not-installed'
    | 'package-needed'
    | 'file-not-in-tree'
    | 'not-archived-whole'
    | 'socket-skipped'
    | 'setuid-kept'
    | 'user-not-added';
  /** One line for people. */
  readonly message: string;
}

/** One input as it was read, for manifests and caches: equal hashes give an equal contribution. */
export interface RootInput {
  readonly kind: RootSource['kind'] | 'attributes' | 'drop-packages';
  /** Path as it was given; empty for what has none. */
  readonly path: string;
  /** SHA-256 in lower-case hex: of the file, of the folder's canonical listing, of the packages chosen. */
  readonly sha256: string;
}

/** A script of a package that must run on the device, because nothing is run while an image is built. */
export interface FirstBootScript {
  readonly package: string;
  /** Where it is kept in the tree. */
  readonly path: ByteString;
}

/** A root tree with what is known of it. Contents are read on demand until `dispose`. */
export interface RootTree extends Disposable {
  readonly root: TreeDirectory;
  /** Installed packages with their files, by name; empty when the sources hold no package lists. */
  readonly packages: readonly InstalledPackage[];
  readonly firstBootScripts: readonly FirstBootScript[];
  readonly warnings: readonly RootWarning[];
  /** Empty when `hashInputs` is false. */
  readonly inputs: readonly RootInput[];
  /** Removes the spooled contents; the tree is unusable afterwards. */
  dispose(): void;
}
