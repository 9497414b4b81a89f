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
export { failCall, failChange } from './memory/faults.js';
export type { FaultHook, FaultPoint, FileSystemCall } from './memory/faults.js';
export { MemoryFileSystem } from './memory/memory-file-system.js';
export type { MemoryOptions } from './memory/memory-file-system.js';
export { checkName } from './names.js';
export { fileContent, fillFromTree, memoryFromTree, treeFromFileSystem } from './tree-conversion.js';
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
export { checkXattrName, checkXattrValue, XATTR_SIZE_MAX } from './xattr-names.js';
