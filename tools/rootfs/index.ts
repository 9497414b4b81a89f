export { assembleRootTree } from './assemble.js';
export { attributeRecordSchema, formatRecord, recordPathOf, recordTree } from './attribute-record.js';
export type { AttributeRecord, TreeChanges } from './attribute-record.js';
export { encodeCapabilities } from './capabilities.js';
export { dropPackages } from './drop-packages.js';
export { recordedFolderTree } from './folder-tree.js';
export type { FolderTree, RecordedFolderTree } from './folder-tree.js';
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
export { writeFolderTree } from './write-folder.js';
export type { FolderWriteOptions, FolderWriteReport } from './write-folder.js';
