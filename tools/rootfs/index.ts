export { assembleRootTree } from './assemble.js';
export { formatRecord, recordTree } from './attribute-record.js';
export type { AttributeRecord, TreeChanges } from './attribute-record.js';
export { attributeRuleFault } from './attribute-table.js';
export { dropPackages } from './drop-packages.js';
export type { FolderTree } from './folder-tree.js';
export { recordedFolderTree } from './recorded-folder.js';
export type { RecordedFolderTree } from './recorded-folder.js';
export { installedPackages, opkgFolder } from './installed-packages.js';
export type { InstalledPackage } from './installed-packages.js';
export { makeFolder } from './make-folder.js';
export { compareVersions } from './packages/version.js';
export { followPath } from './tree-path.js';
export { requireRegularFile } from './regular-file.js';
export { detectRootSource, recordPathOf } from './root-source.js';
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
