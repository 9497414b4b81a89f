export { errnoNumbers, FsError } from './errno.js';
export type { Errno } from './errno.js';
export { NAME_MAX } from './file-system.js';
export type {
  AttributeChange,
  Attributes,
  DeviceNumber,
  DirectoryEntry,
  FileSystem,
  FileSystemStatistics,
  FileType,
  Ino,
  NewInode,
  NewNode,
  RenameFlags,
  XattrMode,
} from './file-system.js';
export { bytesContent, newDirectory, walkTree } from './tree.js';
export type {
  Content,
  HostFileRange,
  TreeDevice,
  TreeDirectory,
  TreeFile,
  TreeInode,
  TreeIpc,
  TreeSymlink,
  TreeVisit,
} from './tree.js';
