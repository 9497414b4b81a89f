#include "squashfs-source.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "error.h"

namespace firmwright {

SourceReader::~SourceReader() {
  if (fd_ >= 0) close(fd_);
}

std::string SourceReader::path(size_t source) const {
  const uint32_t index = job_.sourcePaths[source];
  if (index == kNone) return "";
  return std::string(job_.pathNames.begin() + job_.pathOffsets[index],
                     job_.pathNames.begin() + job_.pathOffsets[index + 1]);
}

int SourceReader::descriptor(size_t source) {
  const uint32_t index = job_.sourcePaths[source];
  if (index == kNone) return job_.spoolFd;
  if (index == openPath_ && fd_ >= 0) return fd_;
  if (fd_ >= 0) close(fd_);
  openPath_ = index;
  const std::string name = path(source);
  fd_ = open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd_ < 0) throw systemFailure("open a file to pack", name, errno);
  return fd_;
}

void SourceReader::read(size_t source, uint64_t offset, void* buffer, size_t length) {
  const int fd = descriptor(source);
  auto* at = static_cast<uint8_t*>(buffer);
  uint64_t from = static_cast<uint64_t>(job_.sourceOffsets[source]) + offset;
  while (length > 0) {
    const ssize_t count = pread(fd, at, length, static_cast<off_t>(from));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw systemFailure("read a file to pack", path(source), errno);
    // ESTALE: the file is shorter than it was when the tree was scanned.
    if (count == 0) throw systemFailure("read a file that shrank while it was packed", path(source), ESTALE);
    at += count;
    from += static_cast<uint64_t>(count);
    length -= static_cast<size_t>(count);
  }
}

}  // namespace firmwright
