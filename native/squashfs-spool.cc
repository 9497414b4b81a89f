#include "squashfs-spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "error.h"

namespace firmwright {

namespace {

constexpr size_t kBufferSize = 256 * 1024;

int openNameless(const std::string& folder) {
  int fd = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  // Not every file system has O_TMPFILE.
  std::string name = folder + "/firmwright-spool-XXXXXX";
  fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) throw systemFailure("create a temporary file in", folder, errno);
  unlink(name.c_str());
  return fd;
}

}  // namespace

Napi::Function Spool::define(Napi::Env env) {
  return DefineClass(env, "Spool",
                     {InstanceMethod("append", &Spool::append), InstanceMethod("close", &Spool::close)});
}

Spool::Spool(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Spool>(info) {
  folder_ = info[0].As<Napi::String>().Utf8Value();
  fd_ = guarded(info.Env(), [&] { return openNameless(folder_); });
}

Spool::~Spool() {
  if (fd_ >= 0) ::close(fd_);
}

Napi::Value Spool::close(const Napi::CallbackInfo& info) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  return info.Env().Undefined();
}

Napi::Value Spool::append(const Napi::CallbackInfo& info) {
  const auto bytes = info[0].As<Napi::Uint8Array>();
  const uint64_t offset = written_ + buffer_.size();
  buffer_.insert(buffer_.end(), bytes.Data(), bytes.Data() + bytes.ByteLength());
  if (buffer_.size() >= kBufferSize) guarded(info.Env(), [&] { finish(); });
  return Napi::Number::New(info.Env(), static_cast<double>(offset));
}

int Spool::finish() {
  size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t count =
        pwrite(fd_, buffer_.data() + done, buffer_.size() - done, static_cast<off_t>(written_));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw systemFailure("write a temporary file in", folder_, count < 0 ? errno : EIO);
    done += static_cast<size_t>(count);
    written_ += static_cast<uint64_t>(count);
  }
  buffer_.clear();
  return fd_;
}

}  // namespace firmwright
