// Compressors for the block processor, from one plain description.
#pragma once

#include <sqfs/compressor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "handles.h"
#include "squashfs-block-store.h"
#include "squashfs-control.h"

namespace firmwright {

/** Blocks that a variant of xz is tried on. */
enum class VariantUse : uint32_t { kEvery, kText, kBinary };

/** One set of coder parameters for xz; the shortest result of all is stored. */
struct XzVariant {
  VariantUse use = VariantUse::kEvery;
  uint32_t literalContextBits = 3;
  uint32_t literalPositionBits = 0;
  uint32_t positionBits = 2;
  uint32_t niceLength = 0;    // 0: the level's
  uint32_t searchDepth = 0;   // 0: as suits the nice length
  uint32_t branchFilter = 0;  // a bit of the option field, or none
};

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
  // lzma, and metadata with xz
  uint32_t literalContextBits = 3;
  uint32_t literalPositionBits = 0;
  uint32_t positionBits = 2;
  // xz: tried on data blocks, at least one
  std::vector<XzVariant> variants;
  /** Blocks known from other runs with the same settings; may be absent. */
  std::shared_ptr<BlockStore> store;
  /** Branch filters of the variants as bits of the on-disk option field (x86 1, powerpc 2, ia64 4, arm 8,
   * armthumb 16, ...). */
  uint32_t branchFilters = 0;
};

/** What a compressor instance is for: metadata blocks are 8 KiB at most, whatever the block size. */
enum class CompressorUse { kData, kMetadata };

/**
 * Makes a compressor. `control.cancelled` is looked at before each block; it must outlive the object and its
 * copies.
 *
 * xz is encoded by an own compressor, the others by libsquashfs; a result that is not smaller than its input
 * always counts as incompressible, which libsquashfs forgets for LZ4.
 */
SqfsHandle<sqfs_compressor_t> createCompressor(const CompressorSettings& settings, CompressorUse use,
                                               PackControl& control);

}  // namespace firmwright
