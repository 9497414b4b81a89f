// Bytes of an image and the decoding of its blocks, for the reader in tools/squashfs.
#pragma once

#include <napi.h>
#include <sqfs/compressor.h>

#include <cstdint>
#include <string>

#include "handles.h"

namespace firmwright {

/**
 * `new ImageReader(bytes | path, offset, length)` opens a range; `length` is Infinity for all that follows.
 * `size()` tells its length, `read(offset, length)` returns bytes, `useCompressor(id, blockSize)` chooses the
 * decoder, and `decode(offset, length, limit)` returns one block, decoded, of at most `limit` bytes.
 * `close()` ends it.
 *
 * It trusts nothing: ranges outside the image and blocks that do not decode throw, and no length of the image
 * decides an allocation above `limit`, which is the caller's.
 */
class ImageReader : public Napi::ObjectWrap<ImageReader> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ImageReader(const Napi::CallbackInfo& info);
  ~ImageReader() override;

 private:
  Napi::Value size(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value useCompressor(const Napi::CallbackInfo& info);
  Napi::Value decode(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  void copyRange(uint64_t offset, uint8_t* into, size_t length);

  Napi::Reference<Napi::Uint8Array> bytes_;  // the image in memory, or
  int fd_ = -1;                              // in a file
  std::string path_;
  uint64_t start_ = 0;
  uint64_t length_ = 0;
  SqfsHandle<sqfs_compressor_t> decompressor_;
};

}  // namespace firmwright
