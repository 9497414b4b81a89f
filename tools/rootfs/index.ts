export { assembleRootTree } from './assemble.js';
export { encodeCapabilities } from './capabilities.js';
export { dropPackages } from './drop-packages.js';
export { installedPackages, opkgFolder } from './installed-packages.js';
export type { InstalledPackage } from './installed-packages.js';
export { compareVersions } from './packages/version.js';
export { findInode, followPath } from './tree-path.js';
export { detectRootSource } from './root-source.js';
export type {
  ArchiveSource,
  AttributeRule,
  FirstBootScript,
  FolderSource,
  PackagesSource,
  RootInput,
  RootSource,
  RootTree,
  RootTreeOptions,
  RootWarning,
  SquashfsSource,
} from './root-tree.js';
