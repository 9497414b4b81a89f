export {
  deflateDecode,
  deflateEncode,
  encodePages,
  inflatePrefix,
  lzmaAloneDecode,
  lzmaAloneEncode,
  lzmaRawDecode,
  lzmaRawEncode,
  lzo1xDecode,
  lzo1xEncode,
  xzDecode,
  xzEncode,
  zlibEncodeWithin,
} from './compress.js';
export type {
  Decoded,
  DeflateFormat,
  EncodedPages,
  Inflated,
  LzmaEncoderOptions,
  LzmaOptions,
  PageEncoder,
} from './compress.js';
export { addonError, callAddon } from './errors.js';
export { fuseTransferSize, mountFuseSession } from './fuse.js';
export type { FuseHandlers, FuseMemory, NativeFuseSession } from './fuse.js';
export { hostCalls, slotsOfStatus } from './host-calls.js';
export type { HostCalls, HostNames } from './host-calls.js';
export { loadAddon } from './load.js';
export { squashfsAddon } from './squashfs.js';
export type {
  NativeBlockStore,
  NativeCompressor,
  NativeImageReader,
  NativePackJob,
  NativePackResult,
  NativePackRun,
  NativeSpool,
  SquashfsAddon,
} from './squashfs.js';
export {
  deviceNumberOf,
  errnoOf,
  fallocate,
  flock,
  getXattr,
  linkDescriptor,
  listXattrs,
  makeNode,
  removeXattr,
  renameWithFlags,
  seekTo,
  setTimes,
  setXattr,
} from './hostfs.js';
export { ArchiveWriter, readArchiveBytes, readArchiveFile } from './archive.js';
export type {
  ArchivedEntry,
  ArchiveFilter,
  ArchiveFormat,
  ArchiveLimits,
  EntryToWrite,
  ReadArchive,
} from './archive.js';
