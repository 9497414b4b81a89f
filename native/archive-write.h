// Writes an archive (libarchive) into memory, entry by entry; the caller takes the bytes as they come.
#pragma once

#include <napi.h>

#include <cstdint>
#include <vector>

struct archive;

namespace firmwright {

/**
 * A writer as JavaScript holds it: `new ArchiveWriter(format, filter, level)`, `entry(...)`, `data(bytes)`,
 * `finish()`, and `take()` for the bytes written so far.
 */
class ArchiveWriter : public Napi::ObjectWrap<ArchiveWriter> {
 public:
  static void define(Napi::Env env, Napi::Object exports);
  explicit ArchiveWriter(const Napi::CallbackInfo &info);
  ~ArchiveWriter() override;

 private:
  Napi::Value entry(const Napi::CallbackInfo &info);
  Napi::Value data(const Napi::CallbackInfo &info);
  Napi::Value finish(const Napi::CallbackInfo &info);
  Napi::Value take(const Napi::CallbackInfo &info);

  archive *archive_ = nullptr;
  std::vector<uint8_t> output_;
};

}  // namespace firmwright
