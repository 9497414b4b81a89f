// LZO1X, by liblzo2.
#include <lzo/lzo1x.h>

#include <algorithm>
#include <string>

#include "compress.h"
#include "error.h"

namespace firmwright {

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

}  // namespace firmwright
