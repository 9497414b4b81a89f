// The image being written: a file beside its final place, or memory. An own `sqfs_file_t`, because the
// library's forgets errno and cannot write to memory.
#pragma once

#include <sqfs/io.h>

#include <cstdint>
#include <string>
#include <vector>

namespace firmwright {

/** Destination of a pack run. Removes its unfinished file when destroyed before `commit`. */
class SquashfsOutput {
 public:
  /** Opens `partialPath` for writing, to be renamed to `path`; an empty path keeps the image in memory. */
  SquashfsOutput(std::string path, std::string partialPath);
  ~SquashfsOutput();
  SquashfsOutput(const SquashfsOutput&) = delete;
  SquashfsOutput& operator=(const SquashfsOutput&) = delete;

  /** The face that libsquashfs writes through; valid as long as this object. */
  sqfs_file_t* file() { return &vtable_.base; }
  uint64_t size() const { return size_; }
  /** Appends bytes; answers a libsquashfs code, as the vtable functions do. */
  int append(const void* data, size_t size) { return writeAt(size_, data, size); }
  /** errno of the first failed system call, 0 when there was none. */
  int errorNumber() const { return errorNumber_; }
  const std::string& path() const { return path_; }
  /** Closes the file and gives it its final name. Throws Failure. */
  void commit();
  /** Hands over the image that was kept in memory. */
  std::vector<uint8_t> takeBytes() { return std::move(bytes_); }

 private:
  struct Vtable {
    sqfs_file_t base;
    SquashfsOutput* self;
  };
  int readAt(uint64_t offset, void* buffer, size_t size);
  int writeAt(uint64_t offset, const void* buffer, size_t size);
  int truncate(uint64_t size);
  /** Repeats pread or pwrite until all bytes have moved. */
  template <typename Byte, typename Call>
  int transfer(Byte* at, uint64_t offset, size_t size, Call call);

  Vtable vtable_;
  std::string path_;
  std::string partialPath_;
  int fd_ = -1;
  uint64_t size_ = 0;
  int errorNumber_ = 0;
  std::vector<uint8_t> bytes_;
};

}  // namespace firmwright
