export { branchFilterBits, compressorIds } from './compressor.js';
export type {
  BranchFilter,
  CompressorName,
  GzipCompressor,
  Lz4Compressor,
  LzmaCompressor,
  SquashfsCompressor,
  XzCompressor,
  XzVariant,
  ZstdCompressor,
} from './compressor.js';
export { BlockStore } from './block-store.js';
export { efforts } from './effort.js';
export type { Effort } from './effort.js';
export type { SquashfsOptions, SquashfsProgress, SquashfsWarning } from './options.js';
export { packSquashfs, writeSquashfs } from './writer.js';
export type { FileLayout, SquashfsLayout, SquashfsReport, SquashfsSection, StoredBlock } from './writer.js';
export { openSquashfs, SquashfsFileSystem } from './file-system.js';
export type { ImageSource } from './image.js';
export { squashfsInfo } from './info.js';
export type { SquashfsInfo } from './info.js';
export type { CompressorOptions, SuperBlock, Version4 } from './super-block.js';
export { readImageExtents } from './image-extents.js';
export type { ExtentKind, ExtentUser, ImageExtent, ImageExtents, ImageName } from './image-extents.js';
export { squashfsTree } from './tree.js';
