// Contents of the files to pack, read from the host by range.
#pragma once

#include <cstdint>
#include <string>

#include "squashfs-job.h"

namespace firmwright {

/** Reads the sources of a job; keeps the last file open. Not for two threads at once. */
class SourceReader {
 public:
  explicit SourceReader(const PackJob& job) : job_(job) {}
  ~SourceReader();
  SourceReader(const SourceReader&) = delete;
  SourceReader& operator=(const SourceReader&) = delete;

  uint64_t size(size_t source) const { return static_cast<uint64_t>(job_.sourceSizes[source]); }
  /** Reads exactly `length` bytes; throws Failure when the file ends early or cannot be read. */
  void read(size_t source, uint64_t offset, void* buffer, size_t length);
  /** Path of the host file, for messages. */
  std::string path(size_t source) const;

 private:
  int descriptor(size_t source);

  const PackJob& job_;
  uint32_t openPath_ = kNone;
  int fd_ = -1;
};

}  // namespace firmwright
