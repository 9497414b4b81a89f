// Compressors over whole buffers, free of JavaScript: LZMA and xz (liblzma), LZO1X (liblzo2), deflate
// (libdeflate, and zlib where the exact calls of the Linux kernel matter). Every decoder is bounded by a
// limit that the caller sets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace firmwright {

using Bytes = std::span<const uint8_t>;

/** Parameters of LZMA1, as liblzma counts them. */
struct LzmaOptions {
  uint32_t dictSize;
  uint32_t lc, lp, pb;
  uint32_t mode;         // lzma_mode
  uint32_t niceLength;   // 2 to 273, also called fast bytes
  uint32_t matchFinder;  // lzma_match_finder
  uint32_t depth;        // 0: chosen by the library
};

/** What a decoder gave: the bytes, and how many of the input it used. */
struct Decoded {
  std::vector<uint8_t> data;
  size_t consumed;
};

/** Encodes raw LZMA1 without header; nothing when the result is longer than `limit`. */
std::optional<std::vector<uint8_t>> encodeLzma(Bytes input, const LzmaOptions &options, bool endMarker,
                                               size_t limit);

/** Decodes raw LZMA1 to exactly `size` bytes; input behind the end of the stream is left alone. */
Decoded decodeLzma(Bytes input, const LzmaOptions &options, bool endMarkerAllowed, size_t size);

/** Decodes a .lzma file (13-byte header), with or without an end marker. */
Decoded decodeLzmaAlone(Bytes input, size_t limit);

/** Decodes one .xz stream, any filter of liblzma. */
Decoded decodeXz(Bytes input, size_t limit, uint64_t memoryLimit);

/** Encodes an .xz stream with preset and CRC32, as kernels can check it. */
std::vector<uint8_t> encodeXz(Bytes input, uint32_t preset);

/** Encodes LZO1X with its fastest (1) or its best (999) encoder. */
std::optional<std::vector<uint8_t>> encodeLzo(Bytes input, bool best, size_t limit);

/** Decodes LZO1X, at most `limit` bytes. */
std::vector<uint8_t> decodeLzo(Bytes input, size_t limit);

enum class DeflateFormat { raw, zlib, gzip };

/** Encodes deflate with libdeflate, level 0 to 12. */
std::optional<std::vector<uint8_t>> encodeDeflate(Bytes input, DeflateFormat format, int level, size_t limit);

/** Decodes deflate with libdeflate; checksums are verified. */
Decoded decodeDeflate(Bytes input, DeflateFormat format, size_t limit);

/** Encodes as many leading bytes as fit into `limit`, in the calls of Linux's fs/jffs2/compr_zlib.c. */
std::optional<Decoded> encodeZlibWithin(Bytes input, int level, size_t limit);

/** What a lenient inflate gave. */
struct Inflated {
  std::vector<uint8_t> data;
  bool ended;  // the end of the stream was met, neither the limit nor a fault
};

/** Inflates a raw deflate stream with zlib up to `limit` bytes or the first fault. */
Inflated inflatePrefix(Bytes input, int windowBits, size_t limit);

}  // namespace firmwright
