#include "squashfs-reader.h"

#include <fcntl.h>
#include <sqfs/super.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <vector>

#include "error.h"
#include "squashfs-check.h"

namespace firmwright {

namespace {

constexpr uint32_t kLargestBlock = 1 << 20;

uint64_t offsetArgument(const Napi::Value& value) {
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 0) || number > 9007199254740991.0) {
    throw Failure(FailureKind::kArgument, "an offset or length", "", 0, "");
  }
  return static_cast<uint64_t>(number);
}

}  // namespace

Napi::Function ImageReader::define(Napi::Env env) {
  return DefineClass(
      env, "ImageReader",
      {InstanceMethod("size", &ImageReader::size), InstanceMethod("read", &ImageReader::read),
       InstanceMethod("useCompressor", &ImageReader::useCompressor),
       InstanceMethod("decode", &ImageReader::decode), InstanceMethod("close", &ImageReader::close)});
}

ImageReader::ImageReader(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ImageReader>(info) {
  guarded(info.Env(), [&]() -> Napi::Value {
    start_ = offsetArgument(info[1]);
    uint64_t available = 0;
    if (info[0].IsString()) {
      path_ = info[0].As<Napi::String>().Utf8Value();
      fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
      struct stat status;
      if (fd_ < 0 || fstat(fd_, &status) != 0) throw systemFailure("open the image", path_, errno);
      // A block device (an MTD, a loop) tells its size only by seeking.
      const off_t end = S_ISREG(status.st_mode) ? status.st_size : lseek(fd_, 0, SEEK_END);
      if (end < 0) throw systemFailure("find the size of", path_, errno);
      available = static_cast<uint64_t>(end);
    } else {
      const auto bytes = info[0].As<Napi::Uint8Array>();
      bytes_ = Napi::Persistent(bytes);
      available = bytes.ByteLength();
    }
    start_ = std::min(start_, available);
    const double asked = info[2].As<Napi::Number>().DoubleValue();
    length_ = available - start_;
    if (std::isfinite(asked)) length_ = std::min(length_, offsetArgument(info[2]));
    return info.Env().Undefined();
  });
}

ImageReader::~ImageReader() {
  if (fd_ >= 0) ::close(fd_);
}

Napi::Value ImageReader::close(const Napi::CallbackInfo& info) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  bytes_.Reset();
  decompressor_.reset();
  return info.Env().Undefined();
}

Napi::Value ImageReader::size(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(length_));
}

void ImageReader::copyRange(uint64_t offset, uint8_t* into, size_t length) {
  if (offset > length_ || length > length_ - offset) {
    throw Failure(FailureKind::kLibrary, "read beyond the end of the image", sqfsErrorName(-8), 0, path_);
  }
  if (fd_ < 0) {
    if (bytes_.IsEmpty()) throw Failure(FailureKind::kArgument, "read a closed image", "", 0, path_);
    const Napi::Uint8Array bytes = bytes_.Value();
    // The array may have been transferred away since it was opened.
    if (start_ + offset + length > bytes.ByteLength()) {
      throw Failure(FailureKind::kLibrary, "read beyond the end of the image", sqfsErrorName(-8), 0, "");
    }
    if (length > 0) memcpy(into, bytes.Data() + start_ + offset, length);
    return;
  }
  while (length > 0) {
    const ssize_t count = pread(fd_, into, length, static_cast<off_t>(start_ + offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw systemFailure("read the image", path_, count < 0 ? errno : EIO);
    into += count;
    offset += static_cast<uint64_t>(count);
    length -= static_cast<size_t>(count);
  }
}

Napi::Value ImageReader::read(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const uint64_t offset = offsetArgument(info[0]);
    const uint64_t length = offsetArgument(info[1]);
    if (offset > length_ || length > length_ - offset) {
      throw Failure(FailureKind::kLibrary, "read beyond the end of the image", sqfsErrorName(-8), 0, path_);
    }
    auto result = Napi::Uint8Array::New(info.Env(), length);
    copyRange(offset, result.Data(), length);
    return result;
  });
}

Napi::Value ImageReader::useCompressor(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto id = static_cast<SQFS_COMPRESSOR>(info[0].As<Napi::Number>().Int32Value());
    const uint32_t blockSize = info[1].As<Napi::Number>().Uint32Value();
    sqfs_compressor_config_t config;
    check(sqfs_compressor_config_init(&config, id, blockSize, SQFS_COMP_FLAG_UNCOMPRESS),
          "configure the decoder");
    sqfs_compressor_t* made = nullptr;
    check(sqfs_compressor_create(&config, &made), "create the decoder");
    decompressor_.reset(made);
    return info.Env().Undefined();
  });
}

Napi::Value ImageReader::decode(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const uint64_t offset = offsetArgument(info[0]);
    const uint64_t length = offsetArgument(info[1]);
    const uint64_t limit = offsetArgument(info[2]);
    if (decompressor_ == nullptr || length > kLargestBlock || limit > kLargestBlock) {
      throw Failure(FailureKind::kArgument, "decode a block", "", 0, path_);
    }
    std::vector<uint8_t> stored(length);
    copyRange(offset, stored.data(), length);
    std::vector<uint8_t> decoded(limit);
    const int32_t size =
        decompressor_->do_block(decompressor_.get(), stored.data(), static_cast<sqfs_u32>(length),
                                decoded.data(), static_cast<sqfs_u32>(limit));
    check(size, "decode a block", path_);
    if (size == 0) check(-5, "decode a block", path_);
    auto result = Napi::Uint8Array::New(info.Env(), static_cast<size_t>(size));
    memcpy(result.Data(), decoded.data(), static_cast<size_t>(size));
    return result;
  });
}

}  // namespace firmwright
