// Deflate: libdeflate for size and speed, zlib where its exact calls matter.
#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <memory>
#include <string>

#include "compress.h"
#include "error.h"

namespace firmwright {

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

}  // namespace firmwright
