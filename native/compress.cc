#include "compress.h"

#include <libdeflate.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>

#include "arguments.h"
#include "compress-pages.h"
#include "error.h"

namespace firmwright {

namespace {

Failure failed(FailureKind kind, const std::string &library, const std::string &step) {
  return Failure(kind, step, library, 0, "");
}

const char *lzmaName(lzma_ret code) {
  switch (code) {
    case LZMA_OK:
      return "LZMA_OK";
    case LZMA_STREAM_END:
      return "LZMA_STREAM_END";
    case LZMA_NO_CHECK:
      return "LZMA_NO_CHECK";
    case LZMA_UNSUPPORTED_CHECK:
      return "LZMA_UNSUPPORTED_CHECK";
    case LZMA_GET_CHECK:
      return "LZMA_GET_CHECK";
    case LZMA_MEM_ERROR:
      return "LZMA_MEM_ERROR";
    case LZMA_MEMLIMIT_ERROR:
      return "LZMA_MEMLIMIT_ERROR";
    case LZMA_FORMAT_ERROR:
      return "LZMA_FORMAT_ERROR";
    case LZMA_OPTIONS_ERROR:
      return "LZMA_OPTIONS_ERROR";
    case LZMA_DATA_ERROR:
      return "LZMA_DATA_ERROR";
    case LZMA_BUF_ERROR:
      return "LZMA_BUF_ERROR";
    case LZMA_PROG_ERROR:
      return "LZMA_PROG_ERROR";
    default:
      return "LZMA_OTHER";
  }
}

lzma_options_lzma toLibrary(const LzmaOptions &options, uint64_t size, bool endMarker) {
  lzma_options_lzma result{};
  result.dict_size = options.dictSize;
  result.lc = options.lc;
  result.lp = options.lp;
  result.pb = options.pb;
  result.mode = static_cast<lzma_mode>(options.mode);
  result.nice_len = options.niceLength;
  result.mf = static_cast<lzma_match_finder>(options.matchFinder);
  result.depth = options.depth;
  result.ext_flags = endMarker ? LZMA_LZMA1EXT_ALLOW_EOPM : 0;
  result.ext_size_low = static_cast<uint32_t>(size);
  result.ext_size_high = static_cast<uint32_t>(size >> 32);
  return result;
}

/** A liblzma stream that frees its coder. */
struct LzmaStream {
  lzma_stream stream = LZMA_STREAM_INIT;
  ~LzmaStream() { lzma_end(&stream); }
};

/** Runs a decoder to its end, growing the output as data comes, never beyond `limit`. */
Decoded runDecoder(lzma_stream &stream, Bytes input, size_t limit) {
  Decoded result;
  stream.next_in = input.data();
  stream.avail_in = input.size();
  // The output doubles: a length in a header is never trusted to allocate.
  size_t room = std::min(limit, std::max<size_t>(4096, input.size() * 3));
  for (;;) {
    result.data.resize(room);
    stream.next_out = result.data.data() + stream.total_out;
    stream.avail_out = room - stream.total_out;
    // A probe byte tells a stream that ends at the limit from one that goes on.
    uint8_t probe;
    bool probing = stream.avail_out == 0;
    if (probing) {
      stream.next_out = &probe;
      stream.avail_out = 1;
    }
    lzma_ret code = lzma_code(&stream, LZMA_FINISH);
    if (probing && stream.total_out > limit)
      throw failed(FailureKind::kLimit, "LZMA_BUF_ERROR",
                   "data decompresses to more than " + std::to_string(limit) + " bytes");
    if (code == LZMA_STREAM_END) {
      result.data.resize(stream.total_out);
      result.consumed = input.size() - stream.avail_in;
      return result;
    }
    if (code != LZMA_OK && !(code == LZMA_BUF_ERROR && stream.avail_out == 0))
      throw failed(FailureKind::kDamaged, code == LZMA_BUF_ERROR ? "LZMA_BUF_ERROR" : lzmaName(code),
                   code == LZMA_BUF_ERROR        ? "compressed data ends early"
                   : code == LZMA_MEMLIMIT_ERROR ? "compressed data asks for more memory than allowed"
                                                 : "compressed data is damaged");
    if (code == LZMA_OK && stream.avail_out > 0 && stream.avail_in == 0) continue;
    room = room >= limit ? limit : std::min(limit, room * 2);
  }
}

void expectStarted(lzma_ret code) {
  if (code != LZMA_OK)
    throw failed(FailureKind::kDamaged, lzmaName(code), "the decoder does not take these parameters");
}

Decoded decodeLzmaStream(Bytes input, const LzmaOptions &options, uint64_t size, bool endMarkerAllowed,
                         size_t limit) {
  lzma_options_lzma parameters = toLibrary(options, size, endMarkerAllowed);
  // A distance never reaches behind the start of the data, so a hostile dictionary size costs no memory.
  parameters.dict_size = static_cast<uint32_t>(
      std::clamp<uint64_t>(std::min<uint64_t>(options.dictSize, limit), LZMA_DICT_SIZE_MIN, UINT32_MAX));
  lzma_filter filters[] = {{LZMA_FILTER_LZMA1EXT, &parameters}, {LZMA_VLI_UNKNOWN, nullptr}};
  LzmaStream coder;
  expectStarted(lzma_raw_decoder(&coder.stream, filters));
  return runDecoder(coder.stream, input, limit);
}

}  // namespace

std::optional<std::vector<uint8_t>> encodeLzma(Bytes input, const LzmaOptions &options, bool endMarker,
                                               size_t limit) {
  lzma_options_lzma parameters = toLibrary(options, input.size(), endMarker);
  lzma_filter filters[] = {{LZMA_FILTER_LZMA1EXT, &parameters}, {LZMA_VLI_UNKNOWN, nullptr}};
  // LZMA does not expand by more than 1/64 and a few bytes of range coder and end marker.
  std::vector<uint8_t> output(std::min(limit, input.size() + input.size() / 64 + 128));
  size_t length = 0;
  lzma_ret code = lzma_raw_buffer_encode(filters, nullptr, input.data(), input.size(), output.data(), &length,
                                         output.size());
  if (code == LZMA_BUF_ERROR) return std::nullopt;
  if (code != LZMA_OK)
    throw failed(FailureKind::kLibrary, lzmaName(code), "the encoder does not take these parameters");
  output.resize(length);
  return output;
}

Decoded decodeLzma(Bytes input, const LzmaOptions &options, bool endMarkerAllowed, size_t size) {
  Decoded result = decodeLzmaStream(input, options, size, endMarkerAllowed, size);
  if (result.data.size() != size)
    throw failed(FailureKind::kDamaged, "LZMA_DATA_ERROR", "compressed data ends early");
  return result;
}

Decoded decodeLzmaAlone(Bytes input, size_t limit) {
  constexpr size_t kHeaderSize = 13;
  if (input.size() < kHeaderSize)
    throw failed(FailureKind::kDamaged, "LZMA_FORMAT_ERROR", "an LZMA header takes 13 bytes");
  if (input[0] >= 9 * 5 * 5)
    throw failed(FailureKind::kDamaged, "LZMA_FORMAT_ERROR", "the LZMA properties byte is out of range");
  auto little = [&](size_t offset, size_t width) {
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) value |= static_cast<uint64_t>(input[offset + i]) << (8 * i);
    return value;
  };
  LzmaOptions options{};
  options.lc = input[0] % 9;
  options.lp = input[0] / 9 % 5;
  options.pb = input[0] / 45;
  options.dictSize = static_cast<uint32_t>(little(1, 4));
  uint64_t size = little(5, 8);
  if (size != UINT64_MAX && size > limit)
    throw failed(
        FailureKind::kLimit, "LZMA_BUF_ERROR",
        "data decompresses to " + std::to_string(size) + " bytes, more than " + std::to_string(limit));
  Decoded result = decodeLzmaStream(input.subspan(kHeaderSize), options, size, true, limit);
  result.consumed += kHeaderSize;
  return result;
}

Decoded decodeXz(Bytes input, size_t limit, uint64_t memoryLimit) {
  LzmaStream coder;
  expectStarted(lzma_stream_decoder(&coder.stream, memoryLimit, 0));
  return runDecoder(coder.stream, input, limit);
}

std::vector<uint8_t> encodeXz(Bytes input, uint32_t preset) {
  std::vector<uint8_t> output(lzma_stream_buffer_bound(input.size()));
  size_t length = 0;
  lzma_ret code = lzma_easy_buffer_encode(preset, LZMA_CHECK_CRC32, nullptr, input.data(), input.size(),
                                          output.data(), &length, output.size());
  if (code != LZMA_OK)
    throw failed(FailureKind::kLibrary, lzmaName(code), "the encoder does not take these parameters");
  output.resize(length);
  return output;
}

std::optional<std::vector<uint8_t>> encodeLzo(Bytes input, bool best, size_t limit) {
  std::vector<uint8_t> work(best ? LZO1X_999_MEM_COMPRESS : LZO1X_1_MEM_COMPRESS);
  std::vector<uint8_t> output(input.size() + input.size() / 16 + 64 + 3);
  lzo_uint length = output.size();
  int code = best ? lzo1x_999_compress(input.data(), input.size(), output.data(), &length, work.data())
                  : lzo1x_1_compress(input.data(), input.size(), output.data(), &length, work.data());
  if (code != LZO_E_OK)
    throw failed(FailureKind::kLibrary, "LZO_E_" + std::to_string(code), "LZO does not take this input");
  if (length > limit) return std::nullopt;
  output.resize(length);
  return output;
}

std::vector<uint8_t> decodeLzo(Bytes input, size_t limit) {
  // LZO expands at most 255-fold, so the limit is only reserved as far as the input can reach.
  std::vector<uint8_t> output(std::min(limit, input.size() * 256 + 64));
  lzo_uint length = output.size();
  int code = lzo1x_decompress_safe(input.data(), input.size(), output.data(), &length, nullptr);
  if (code == LZO_E_OUTPUT_OVERRUN)
    throw failed(FailureKind::kLimit, "LZO_E_OUTPUT_OVERRUN",
                 "data decompresses to more than " + std::to_string(limit) + " bytes");
  if (code != LZO_E_OK)
    throw failed(FailureKind::kDamaged, "LZO_E_" + std::to_string(code),
                 code == LZO_E_INPUT_OVERRUN ? "compressed data ends early" : "compressed data is damaged");
  output.resize(length);
  return output;
}

std::optional<std::vector<uint8_t>> encodeDeflate(Bytes input, DeflateFormat format, int level,
                                                  size_t limit) {
  std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> coder(
      libdeflate_alloc_compressor(level), libdeflate_free_compressor);
  if (!coder) throw failed(FailureKind::kLibrary, "libdeflate_alloc_compressor", "no memory for the encoder");
  auto bound = format == DeflateFormat::zlib   ? libdeflate_zlib_compress_bound
               : format == DeflateFormat::gzip ? libdeflate_gzip_compress_bound
                                               : libdeflate_deflate_compress_bound;
  auto compress = format == DeflateFormat::zlib   ? libdeflate_zlib_compress
                  : format == DeflateFormat::gzip ? libdeflate_gzip_compress
                                                  : libdeflate_deflate_compress;
  std::vector<uint8_t> output(std::min(limit, bound(coder.get(), input.size())));
  size_t length = compress(coder.get(), input.data(), input.size(), output.data(), output.size());
  if (length == 0) return std::nullopt;
  output.resize(length);
  return output;
}

Decoded decodeDeflate(Bytes input, DeflateFormat format, size_t limit) {
  std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> coder(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (!coder)
    throw failed(FailureKind::kDamaged, "libdeflate_alloc_decompressor", "no memory for the decoder");
  auto decompress = format == DeflateFormat::zlib   ? libdeflate_zlib_decompress_ex
                    : format == DeflateFormat::gzip ? libdeflate_gzip_decompress_ex
                                                    : libdeflate_deflate_decompress_ex;
  Decoded result;
  for (size_t room = std::min(limit, std::max<size_t>(4096, input.size() * 3));;
       room = std::min(limit, room * 2)) {
    // A byte more than asked, so that the buffer is never null and a stream of exactly `limit` bytes fits.
    result.data.resize(room + 1);
    size_t consumed = 0, length = 0;
    libdeflate_result code =
        decompress(coder.get(), input.data(), input.size(), result.data.data(), room, &consumed, &length);
    if (code == LIBDEFLATE_SUCCESS) {
      result.data.resize(length);
      result.consumed = consumed;
      return result;
    }
    if (code != LIBDEFLATE_INSUFFICIENT_SPACE)
      throw failed(FailureKind::kDamaged, "LIBDEFLATE_BAD_DATA", "compressed data is damaged or ends early");
    if (room >= limit)
      throw failed(FailureKind::kLimit, "LIBDEFLATE_INSUFFICIENT_SPACE",
                   "data decompresses to more than " + std::to_string(limit) + " bytes");
  }
}

std::optional<Decoded> encodeZlibWithin(Bytes input, int level, size_t limit) {
  // Room that the last call needs for the end of the stream, as both the kernel and mkfs.jffs2 reserve it.
  constexpr size_t kStreamEnd = 12;
  if (limit <= kStreamEnd) return std::nullopt;
  struct Stream : z_stream {
    Stream() : z_stream{} {}
    ~Stream() { deflateEnd(this); }
  } stream;
  if (deflateInit(&stream, level) != Z_OK)
    throw failed(FailureKind::kLibrary, "Z_STREAM_ERROR", "the encoder does not take these parameters");
  Decoded result;
  result.data.resize(limit);
  stream.next_in = const_cast<uint8_t *>(input.data());
  stream.next_out = result.data.data();
  while (stream.total_out < limit - kStreamEnd && stream.total_in < input.size()) {
    stream.avail_out = limit - (stream.total_out + kStreamEnd);
    stream.avail_in = std::min<size_t>(input.size() - stream.total_in, stream.avail_out);
    if (deflate(&stream, Z_PARTIAL_FLUSH) != Z_OK) return std::nullopt;
  }
  stream.avail_out += kStreamEnd;
  stream.avail_in = 0;
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) return std::nullopt;
  if (stream.total_out >= stream.total_in) return std::nullopt;
  result.data.resize(stream.total_out);
  result.consumed = stream.total_in;
  return result;
}

Inflated inflatePrefix(Bytes input, int windowBits, size_t limit) {
  struct Stream : z_stream {
    Stream() : z_stream{} {}
    ~Stream() { inflateEnd(this); }
  } stream;
  stream.next_in = const_cast<uint8_t *>(input.data());
  if (inflateInit2(&stream, -windowBits) != Z_OK)
    throw failed(FailureKind::kDamaged, "Z_STREAM_ERROR", "the decoder does not take these parameters");
  Inflated result{{}, false};
  size_t consumed = 0;
  for (size_t room = std::min(limit, std::max<size_t>(4096, input.size() * 3));;
       room = std::min(limit, room * 2)) {
    result.data.resize(room);
    int code = Z_OK;
    while (stream.total_out < room && code == Z_OK) {
      stream.next_out = result.data.data() + stream.total_out;
      stream.avail_out = std::min<size_t>(room - stream.total_out, 1u << 30);
      stream.avail_in = std::min<size_t>(input.size() - consumed, 1u << 30);
      size_t before = stream.avail_in;
      code = inflate(&stream, Z_SYNC_FLUSH);
      consumed += before - stream.avail_in;
    }
    if (code == Z_OK && room < limit) continue;
    result.data.resize(stream.total_out);
    result.ended = code == Z_STREAM_END;
    return result;
  }
}

namespace {

/** Runs a function over the arguments, turning failures into JavaScript errors. */
template <typename Work>
Napi::Value guarded(const Napi::CallbackInfo &info, Work work) {
  try {
    return work();
  } catch (const Failure &failure) {
    throw toJs(info.Env(), failure);
  } catch (const std::bad_alloc &) {
    throw toJs(info.Env(), systemFailure("allocate memory", "", ENOMEM));
  }
}

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
  return guarded(info, [&] {
    return toValue(info.Env(), encodeLzma(bytesArgument(info, 0), lzmaArguments(info, 3),
                                          integerArgument(info, 1, 1) != 0, integerArgument(info, 2)));
  });
}

Napi::Value DecodeLzma(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    return toValue(info.Env(), decodeLzma(bytesArgument(info, 0), lzmaArguments(info, 3),
                                          integerArgument(info, 1, 1) != 0, integerArgument(info, 2)));
  });
}

Napi::Value DecodeLzmaAlone(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    return toValue(info.Env(), decodeLzmaAlone(bytesArgument(info, 0), integerArgument(info, 1)));
  });
}

Napi::Value DecodeXz(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    return toValue(info.Env(),
                   decodeXz(bytesArgument(info, 0), integerArgument(info, 1), integerArgument(info, 2)));
  });
}

Napi::Value EncodeXz(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    return toValue(info.Env(), encodeXz(bytesArgument(info, 0), integerArgument(info, 1, UINT32_MAX)));
  });
}

Napi::Value EncodeLzo(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    return toValue(info.Env(), encodeLzo(bytesArgument(info, 0), integerArgument(info, 1, 1) != 0,
                                         integerArgument(info, 2)));
  });
}

Napi::Value DecodeLzo(const Napi::CallbackInfo &info) {
  return guarded(
      info, [&] { return toValue(info.Env(), decodeLzo(bytesArgument(info, 0), integerArgument(info, 1))); });
}

Napi::Value EncodeDeflate(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    return toValue(info.Env(),
                   encodeDeflate(bytesArgument(info, 0), formatArgument(info, 1),
                                 static_cast<int>(integerArgument(info, 2, 12)), integerArgument(info, 3)));
  });
}

Napi::Value DecodeDeflate(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    return toValue(info.Env(),
                   decodeDeflate(bytesArgument(info, 0), formatArgument(info, 1), integerArgument(info, 2)));
  });
}

Napi::Value EncodeZlibWithin(const Napi::CallbackInfo &info) {
  return guarded(info, [&]() -> Napi::Value {
    auto result = encodeZlibWithin(bytesArgument(info, 0), static_cast<int>(integerArgument(info, 1, 9)),
                                   integerArgument(info, 2, UINT32_MAX));
    return result ? toValue(info.Env(), *result) : info.Env().Undefined();
  });
}

Napi::Value InflatePrefix(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
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
  return guarded(info, [&] {
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
