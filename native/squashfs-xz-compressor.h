// An xz compressor in the vtable of libsquashfs: one encode a block and filter, coder memory reused between
// blocks.
#pragma once

#include <sqfs/compressor.h>

#include "squashfs-compressor.h"

namespace firmwright {

/** Makes the xz compressor; NULL when memory is out. See createCompressor for `control`. */
sqfs_compressor_t* createXzCompressor(const CompressorSettings& settings, CompressorUse use,
                                      PackControl& control);

}  // namespace firmwright
