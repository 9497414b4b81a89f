// What the compress addon exports to tools/addon/compress.ts.
#include <lzo/lzo1x.h>

#include <cerrno>
#include <string>

#include "arguments.h"
#include "compress-pages.h"
#include "compress.h"
#include "error.h"

namespace firmwright {

namespace {

Napi::Value toValue(Napi::Env env, const std::optional<std::vector<uint8_t>> &bytes) {
  if (!bytes) return env.Undefined();
  return newBytes(env, bytes->data(), bytes->size());
}

Napi::Value toValue(Napi::Env env, const Decoded &decoded) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("data", newBytes(env, decoded.data.data(), decoded.data.size()));
  result.Set("consumed", Napi::Number::New(env, static_cast<double>(decoded.consumed)));
  return result;
}

/** Reads eight numbers: dictSize, lc, lp, pb, mode, niceLength, matchFinder, depth. */
LzmaOptions lzmaArguments(const Napi::CallbackInfo &info, size_t index) {
  auto number = [&](size_t offset) {
    return static_cast<uint32_t>(integerArgument(info, index + offset, UINT32_MAX));
  };
  return {number(0), number(1), number(2), number(3), number(4), number(5), number(6), number(7)};
}

DeflateFormat formatArgument(const Napi::CallbackInfo &info, size_t index) {
  return static_cast<DeflateFormat>(integerArgument(info, index, 2));
}

Napi::Value EncodeLzma(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&] {
    return toValue(info.Env(), encodeLzma(bytesArgument(info, 0), lzmaArguments(info, 3),
                                          integerArgument(info, 1, 1) != 0, integerArgument(info, 2)));
  });
}

Napi::Value DecodeLzma(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&] {
    return toValue(info.Env(), decodeLzma(bytesArgument(info, 0), lzmaArguments(info, 3),
                                          integerArgument(info, 1, 1) != 0, integerArgument(info, 2)));
  });
}

Napi::Value DecodeLzmaAlone(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&] {
    return toValue(info.Env(), decodeLzmaAlone(bytesArgument(info, 0), integerArgument(info, 1)));
  });
}

Napi::Value DecodeXz(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&] {
    return toValue(info.Env(),
                   decodeXz(bytesArgument(info, 0), integerArgument(info, 1), integerArgument(info, 2)));
  });
}

Napi::Value EncodeXz(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&] {
    return toValue(info.Env(), encodeXz(bytesArgument(info, 0), integerArgument(info, 1, UINT32_MAX)));
  });
}

Napi::Value EncodeLzo(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&] {
    return toValue(info.Env(), encodeLzo(bytesArgument(info, 0), integerArgument(info, 1, 1) != 0,
                                         integerArgument(info, 2)));
  });
}

Napi::Value DecodeLzo(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&] {
    return toValue(info.Env(), decodeLzo(bytesArgument(info, 0), integerArgument(info, 1)));
  });
}

Napi::Value EncodeDeflate(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&] {
    return toValue(info.Env(),
                   encodeDeflate(bytesArgument(info, 0), formatArgument(info, 1),
                                 static_cast<int>(integerArgument(info, 2, 12)), integerArgument(info, 3)));
  });
}

Napi::Value DecodeDeflate(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&] {
    return toValue(info.Env(),
                   decodeDeflate(bytesArgument(info, 0), formatArgument(info, 1), integerArgument(info, 2)));
  });
}

Napi::Value EncodeZlibWithin(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    auto result = encodeZlibWithin(bytesArgument(info, 0), static_cast<int>(integerArgument(info, 1, 9)),
                                   integerArgument(info, 2, UINT32_MAX));
    return result ? toValue(info.Env(), *result) : info.Env().Undefined();
  });
}

Napi::Value InflatePrefix(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&] {
    Inflated inflated = inflatePrefix(bytesArgument(info, 0), static_cast<int>(integerArgument(info, 1, 15)),
                                      integerArgument(info, 2));
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("data", newBytes(info.Env(), inflated.data.data(), inflated.data.size()));
    result.Set("ended", Napi::Boolean::New(info.Env(), inflated.ended));
    return result;
  });
}

/** Reads the ends of pages: ascending, the last within the input. */
std::span<const uint32_t> endsArgument(const Napi::CallbackInfo &info, size_t index, size_t inputSize) {
  if (index >= info.Length() || !info[index].IsTypedArray() ||
      info[index].As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array)
    throw wrongArgument("argument " + std::to_string(index + 1) + " must be a Uint32Array");
  auto array = info[index].As<Napi::Uint32Array>();
  std::span<const uint32_t> ends(array.Data(), array.ElementLength());
  bool ascending = std::is_sorted(ends.begin(), ends.end());
  if (!ascending || (!ends.empty() && ends.back() > inputSize))
    throw wrongArgument("argument " + std::to_string(index + 1) + " must ascend, within the input");
  return ends;
}

Napi::Value EncodePages(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&] {
    Bytes input = bytesArgument(info, 0);
    PageJob job{input, endsArgument(info, 1, input.size()),
                static_cast<PageEncoder>(integerArgument(info, 2, 4)),
                static_cast<int>(integerArgument(info, 3, 12)), lzmaArguments(info, 4)};
    EncodedPages encoded = encodePages(job);
    auto numbers = [&](const std::vector<uint32_t> &values) {
      auto array = Napi::Uint32Array::New(info.Env(), values.size());
      std::copy(values.begin(), values.end(), array.Data());
      return array;
    };
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("data", newBytes(info.Env(), encoded.data.data(), encoded.data.size()));
    result.Set("ends", numbers(encoded.ends));
    result.Set("consumed", numbers(encoded.consumed));
    return result;
  });
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  if (lzo_init() != LZO_E_OK) throw Napi::Error::New(env, "liblzo2 does not fit this machine");
  exports.Set("encodeLzma", Napi::Function::New(env, EncodeLzma));
  exports.Set("decodeLzma", Napi::Function::New(env, DecodeLzma));
  exports.Set("decodeLzmaAlone", Napi::Function::New(env, DecodeLzmaAlone));
  exports.Set("decodeXz", Napi::Function::New(env, DecodeXz));
  exports.Set("encodeXz", Napi::Function::New(env, EncodeXz));
  exports.Set("encodeLzo", Napi::Function::New(env, EncodeLzo));
  exports.Set("decodeLzo", Napi::Function::New(env, DecodeLzo));
  exports.Set("encodeDeflate", Napi::Function::New(env, EncodeDeflate));
  exports.Set("decodeDeflate", Napi::Function::New(env, DecodeDeflate));
  exports.Set("encodeZlibWithin", Napi::Function::New(env, EncodeZlibWithin));
  exports.Set("encodePages", Napi::Function::New(env, EncodePages));
  exports.Set("inflatePrefix", Napi::Function::New(env, InflatePrefix));
  return exports;
}

}  // namespace

}  // namespace firmwright

static Napi::Object InitCompress(Napi::Env env, Napi::Object exports) {
  return firmwright::Init(env, exports);
}

NODE_API_MODULE(firmwright_compress, InitCompress)
