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
