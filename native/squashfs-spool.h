// A nameless file that holds contents which do not stand on the host until they are packed.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

namespace firmwright {

/** `new Spool(folder)`; `append(bytes)` returns the offset they got; `close()` makes the file vanish. */
class Spool : public Napi::ObjectWrap<Spool> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Spool(const Napi::CallbackInfo& info);
  ~Spool() override;
  /** Writes out what is buffered and returns the descriptor, which stays the spool's. Throws Failure. */
  int finish();

 private:
  Napi::Value append(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  std::string folder_;
  int fd_ = -1;
  uint64_t written_ = 0;
  std::vector<uint8_t> buffer_;
};

}  // namespace firmwright
