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
  std::atomic<int> error{0};             // first error code of a compressor or of the output
};

/** Whether compressors and the output need not do their work: the image will be thrown away. */
inline bool mayStop(const PackControl& control) {
  return control.cancelled.load(std::memory_order_relaxed) ||
         control.error.load(std::memory_order_relaxed) != 0;
}

/**
 * Notes that a block could not be compressed or written, and passes it on as if all were well. The block processor
 * of libsquashfs 1.2 waits for ever for the other blocks under way when a compressor returns an error to it, and
 * never frees them when the output does.
 */
inline int giveUp(PackControl& control, int code) {
  int none = 0;
  control.error.compare_exchange_strong(none, code, std::memory_order_relaxed);
  return 0;
}

}  // namespace firmwright
