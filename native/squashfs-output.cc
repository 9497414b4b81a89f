#include "squashfs-output.h"

#include <fcntl.h>
#include <sqfs/error.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "error.h"

namespace firmwright {

SquashfsOutput::SquashfsOutput(std::string path, std::string partialPath)
    : path_(std::move(path)), partialPath_(std::move(partialPath)) {
  vtable_ = {};
  vtable_.self = this;
  vtable_.base.base.destroy = [](sqfs_object_t*) {};
  vtable_.base.base.copy = nullptr;
  vtable_.base.read_at = [](sqfs_file_t* file, sqfs_u64 offset, void* buffer, size_t size) {
    return reinterpret_cast<Vtable*>(file)->self->readAt(offset, buffer, size);
  };
  vtable_.base.write_at = [](sqfs_file_t* file, sqfs_u64 offset, const void* buffer, size_t size) {
    return reinterpret_cast<Vtable*>(file)->self->writeAt(offset, buffer, size);
  };
  vtable_.base.get_size = [](const sqfs_file_t* file) -> sqfs_u64 {
    return reinterpret_cast<const Vtable*>(file)->self->size_;
  };
  vtable_.base.truncate = [](sqfs_file_t* file, sqfs_u64 size) {
    return reinterpret_cast<Vtable*>(file)->self->truncate(size);
  };
  if (path_.empty()) return;
  fd_ = open(partialPath_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd_ < 0) throw systemFailure("create the image", path_, errno);
}

SquashfsOutput::~SquashfsOutput() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(partialPath_.c_str());
}

template <typename Byte, typename Call>
int SquashfsOutput::transfer(Byte* at, uint64_t offset, size_t size, Call call) {
  while (size > 0) {
    const ssize_t count = call(at, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      if (errorNumber_ == 0) errorNumber_ = count < 0 ? errno : EIO;
      return SQFS_ERROR_IO;
    }
    at += count;
    offset += static_cast<uint64_t>(count);
    size -= static_cast<size_t>(count);
  }
  return 0;
}

int SquashfsOutput::readAt(uint64_t offset, void* buffer, size_t size) {
  if (offset > size_ || size > size_ - offset) return SQFS_ERROR_OUT_OF_BOUNDS;
  if (fd_ < 0) {
    memcpy(buffer, bytes_.data() + offset, size);
    return 0;
  }
  return transfer(static_cast<uint8_t*>(buffer), offset, size,
                  [this](uint8_t* at, size_t count, off_t place) { return pread(fd_, at, count, place); });
}

int SquashfsOutput::writeAt(uint64_t offset, const void* buffer, size_t size) {
  if (size == 0) return 0;
  if (path_.empty()) {
    if (offset + size > bytes_.size()) {
      try {
        bytes_.resize(offset + size);
      } catch (const std::bad_alloc&) {
        return SQFS_ERROR_ALLOC;
      }
    }
    memcpy(bytes_.data() + offset, buffer, size);
    if (offset + size > size_) size_ = offset + size;
    return 0;
  }
  const int code = transfer(
      static_cast<const uint8_t*>(buffer), offset, size,
      [this](const uint8_t* at, size_t count, off_t place) { return pwrite(fd_, at, count, place); });
  if (code == 0 && offset + size > size_) size_ = offset + size;
  return code;
}

int SquashfsOutput::truncate(uint64_t size) {
  if (path_.empty()) {
    bytes_.resize(size);
  } else if (ftruncate(fd_, static_cast<off_t>(size)) != 0) {
    errorNumber_ = errno;
    return SQFS_ERROR_IO;
  }
  size_ = size;
  return 0;
}

void SquashfsOutput::commit() {
  if (path_.empty()) return;
  // close(2) is where some file systems first report a full disk.
  const int fd = std::exchange(fd_, -1);
  if (close(fd) != 0) {
    const int cause = errno;
    unlink(partialPath_.c_str());
    throw systemFailure("write the image", path_, cause);
  }
  if (rename(partialPath_.c_str(), path_.c_str()) != 0) {
    const int cause = errno;
    unlink(partialPath_.c_str());
    throw systemFailure("rename the finished image", path_, cause);
  }
}

}  // namespace firmwright
