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
export { addonError, callAddon, errnoOf } from './errors.js';
export { fuseTransferSize, mountFuseSession } from './fuse.js';
export type { FuseHandlers, FuseMemory, NativeFuseSession } from './fuse.js';
export { hostCalls, lockOperations, slotsOfStatus } from './host-calls.js';
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
export { ArchiveWriter, readArchiveBytes, readArchiveFile } from './archive.js';
export type {
  ArchivedEntry,
  ArchiveFilter,
  ArchiveFormat,
  ArchiveLimits,
  EntryToWrite,
  ReadArchive,
} from './archive.js';
