// What a pack run shares with the thread that asked for it.
#pragma once

#include <atomic>
#include <cstdint>

namespace firmwright {

/** Request to stop, and counters; outlives every object of the run. */
struct PackControl {
  std::atomic<bool> cancelled{false};
  std::atomic<uint64_t> bytesDone{0};    // of content, compressed and written
  std::atomic<uint64_t> encodeCount{0};  // calls of a compressor for data blocks, one a block and filter
};

}  // namespace firmwright
