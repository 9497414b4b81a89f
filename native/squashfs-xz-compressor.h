// An xz compressor in the vtable of libsquashfs: one encode a block and filter, coder memory reused between blocks.
#pragma once

#include <sqfs/compressor.h>

#include <atomic>

#include "squashfs-compressor.h"

namespace firmwright {

/** Makes the xz compressor; NULL when memory is out. See createCompressor for `cancelled`. */
sqfs_compressor_t* createXzCompressor(const CompressorSettings& settings, CompressorUse use,
                                      const std::atomic<bool>& cancelled);

}  // namespace firmwright
