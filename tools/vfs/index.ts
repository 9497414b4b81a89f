export { access, checkRemoval, inheritedAttributes, permits } from './credentials.js';
export type { Credentials } from './credentials.js';
export { errnoNumbers, FsError } from './errno.js';
export type { Errno } from './errno.js';
export {
  makeDirectories,
  readFile,
  readInto,
  removeEntry,
  removeTree,
  statPath,
  writeAll,
  writeFile,
} from './file-access.js';
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
  WhiteoutEntries,
  XattrMode,
} from './file-system.js';
export { HostFileSystem } from './host/host-file-system.js';
export type { HostOptions } from './host/host-file-system.js';
export { O_PATH } from './host/open-flags.js';
export { ByteRangeLocks } from './locks/byte-range-locks.js';
export type { HeldLock, LockOwner, LockRange } from './locks/byte-range-locks.js';
export { Leases } from './locks/leases.js';
export { Rendezvous } from './locks/rendezvous.js';
export { WholeFileLocks } from './locks/whole-file-locks.js';
export type { FaultHook, FaultPoint, FileSystemCall } from './memory/faults.js';
export { MemoryFileSystem } from './memory/memory-file-system.js';
export type { MemoryOptions } from './memory/options.js';
export { checkName, isName } from './names.js';
export { PATH_LENGTH_LIMIT, resolve, resolveParent } from './path-walk.js';
export type { ParentWalk, WalkOptions } from './path-walk.js';
export {
  comesBefore,
  holding,
  isAncestor,
  Lock,
  runStraight,
  Scheduler,
  take,
  Task,
  TOPOLOGY_LEVEL,
} from './schedule.js';
export type { Job, Operation, Outcome, Place, Startable, Step } from './schedule.js';
export { fillFromTree, memoryFromTree, treeFromFileSystem } from './tree-conversion.js';
export { bytesContent, newDirectory, newFile, noXattrs, walkTree } from './tree.js';
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
export { typeBits, typeOfMode } from './type-bits.js';
export { XATTR_SIZE_MAX } from './xattr-names.js';
export { Watches } from './watches.js';
export type { WatchEvent, WatchEventKind, WatchListener } from './watches.js';
