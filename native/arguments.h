// Reading of JavaScript arguments. tools/addon validates for users; these checks keep a bug there from
// becoming a wild read here.
#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <span>

#include "error.h"

namespace firmwright {

/** Makes the failure for an argument that tools/addon should have refused. */
inline Failure wrongArgument(const std::string &what) {
  return Failure(FailureKind::kArgument, what, "", 0, "");
}

/** Views the bytes of a Uint8Array; valid until JavaScript runs again. */
inline std::span<const uint8_t> bytesArgument(const Napi::CallbackInfo &info, size_t index) {
  if (index < info.Length() && info[index].IsTypedArray()) {
    auto array = info[index].As<Napi::TypedArray>();
    if (array.TypedArrayType() == napi_uint8_array) {
      auto bytes = info[index].As<Napi::Uint8Array>();
      return {bytes.Data(), bytes.ByteLength()};
    }
  }
  throw wrongArgument("argument " + std::to_string(index + 1) + " must be a Uint8Array");
}

/** Reads a non-negative integer up to `maximum` (at most 2^53 - 1). */
inline uint64_t integerArgument(const Napi::CallbackInfo &info, size_t index,
                                uint64_t maximum = 9007199254740991) {
  if (index < info.Length() && info[index].IsNumber()) {
    double value = info[index].As<Napi::Number>().DoubleValue();
    if (value >= 0 && value <= static_cast<double>(maximum) && std::floor(value) == value)
      return static_cast<uint64_t>(value);
  }
  throw wrongArgument("argument " + std::to_string(index + 1) + " must be an integer from 0 to " +
                      std::to_string(maximum));
}

/** Reads a signed integer of 53 bits. */
inline int64_t signedArgument(const Napi::CallbackInfo &info, size_t index) {
  if (index < info.Length() && info[index].IsNumber()) {
    double value = info[index].As<Napi::Number>().DoubleValue();
    if (std::abs(value) <= 9007199254740991.0 && std::floor(value) == value)
      return static_cast<int64_t>(value);
  }
  throw wrongArgument("argument " + std::to_string(index + 1) + " must be an integer");
}

/** Reads a signed integer of 64 bits handed over as a bigint. */
inline int64_t bigintArgument(const Napi::CallbackInfo &info, size_t index) {
  if (index < info.Length() && info[index].IsBigInt()) {
    bool lossless = false;
    int64_t value = info[index].As<Napi::BigInt>().Int64Value(&lossless);
    if (lossless) return value;
  }
  throw wrongArgument("argument " + std::to_string(index + 1) + " must be a bigint of 64 bits");
}

/** Copies bytes into a new Uint8Array that JavaScript owns. */
inline Napi::Uint8Array newBytes(Napi::Env env, const uint8_t *data, size_t size) {
  auto array = Napi::Uint8Array::New(env, size);
  if (size > 0) std::copy(data, data + size, array.Data());
  return array;
}

}  // namespace firmwright
