export { branchFilterBits, compressorIds } from './compressor.js';
export type {
  BranchFilter,
  CompressorName,
  GzipCompressor,
  Lz4Compressor,
  LzmaCompressor,
  SquashfsCompressor,
  XzCompressor,
  ZstdCompressor,
} from './compressor.js';
export type { SquashfsOptions, SquashfsProgress, SquashfsWarning } from './options.js';
export { packSquashfs, writeSquashfs } from './writer.js';
export type { FileLayout, SquashfsLayout, SquashfsReport, SquashfsSection, StoredBlock } from './writer.js';
export { openSquashfs, SquashfsFileSystem } from './file-system.js';
export type { ImageSource } from './image.js';
export { squashfsInfo } from './info.js';
export type { SquashfsInfo } from './info.js';
export type { CompressorOptions, SuperBlock, Version4 } from './super-block.js';
export { readImageLayout } from './stored-layout.js';
export type { ImageLayout, StoredFileLayout } from './stored-layout.js';
export { squashfsTree } from './tree.js';
