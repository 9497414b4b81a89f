export type { InstalledPackage } from './installed-packages.js';
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
