// LZMA and xz, by liblzma.
#include <lzma.h>

#include <algorithm>
#include <string>

#include "compress.h"
#include "error.h"

namespace firmwright {

namespace {

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

}  // namespace firmwright
