// Compressors for the block processor, from one plain description.
#pragma once

#include <sqfs/compressor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "handles.h"
#include "squashfs-control.h"

namespace firmwright {

/** What compresses the image; TypeScript has checked every range. */
struct CompressorSettings {
  int id = SQFS_COMP_XZ;
  uint32_t blockSize = 0;
  uint32_t level = 0;
  // gzip
  uint32_t windowSize = 15;
  // lz4
  bool highCompression = false;
  // xz and lzma
  bool extreme = false;
  uint32_t dictionarySize = 0;
  uint32_t literalContextBits = 3;
  uint32_t literalPositionBits = 0;
  uint32_t positionBits = 2;
  /** Branch filters as bits of the on-disk option field (x86 1, powerpc 2, ia64 4, arm 8, armthumb 16, ...). */
  uint32_t branchFilters = 0;
};

/** What a compressor instance is for: metadata blocks are 8 KiB at most, whatever the block size. */
enum class CompressorUse { kData, kMetadata };

/**
 * Makes a compressor. `control.cancelled` is looked at before each block; it must outlive the object and its copies.
 *
 * xz is encoded by an own compressor, the others by libsquashfs; a result that is not smaller than its input always
 * counts as incompressible, which libsquashfs forgets for LZ4.
 */
SqfsHandle<sqfs_compressor_t> createCompressor(const CompressorSettings& settings, CompressorUse use,
                                               PackControl& control);

}  // namespace firmwright
