export { areaKind } from './area-state.js';
export type { AreaKind } from './area-state.js';
export { blankJffs2 } from './blank.js';
export { compressionProfiles, compressors } from './compression/compression.js';
export { remembering } from './compression/memory.js';
export type {
  Compression,
  CompressionMode,
  CompressionProfile,
  Compressor,
  CompressorName,
} from './compression/compression.js';
export type { Encoded } from './compression/rtime.js';
export { MINIMUM_BLOCKS, predictFirstMount } from './mount/first-mount.js';
export type { AreaUse, FirstMount, Reserves } from './mount/first-mount.js';
export { Jffs2FileSystem, mountJffs2, scanCacheFor } from './mount/mount.js';
export type { MountOptions, SpaceReport } from './mount/mount.js';
export { Jffs2Operations } from './mount/operations.js';
export { ScanCache } from './mount/scan.js';
export type { DirentFields, InodeFields, XrefFields } from './node/encode.js';
export type { Endian } from './node/layout.js';
export { parseNode } from './node/parse.js';
export type {
  BareNode,
  DirentNode,
  InodeNode,
  Jffs2Node,
  NodeFault,
  NodeFaultReason,
  NodePlace,
  XattrNode,
  XrefNode,
} from './node/parse.js';
export type { SummaryEntry } from './node/summary.js';
export { scanJffs2 } from './scan/scan.js';
export type { Jffs2Scan, ScanOptions } from './scan/scan.js';
export type { EraseSizeSource } from './scan/detect.js';
export type {
  BlockReport,
  BlockState,
  CompressionUse,
  ScanProblem,
  ScanProblemKind,
  ScanReport,
} from './scan/report.js';
export { writeJffs2 } from './write/write.js';
export type { WriterOptions } from './write/write.js';
export { compatibleCompression, writeJffs2Compatible } from './write/compatible.js';
export type { CompatibleOptions } from './write/compatible.js';
export { insertIntoImage } from './upgrade.js';
export type { CarriedFile, InsertOptions, Insertion } from './upgrade.js';
export { applyDeviceTable, parseDeviceTable, squashTree } from './write/table.js';
export type { SquashOptions, TableAdditions, TableEntry } from './write/table.js';
