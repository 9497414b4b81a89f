// Compression of many small pages at once, as JFFS2 stores file data: every page is a stream of its own, so
// they are shared out to threads, and each thread keeps one coder.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compress.h"

namespace firmwright {

/** Encoders for pages; the numbers are known to tools/addon/compress-pages.ts. */
enum class PageEncoder { zlibWithin = 0, deflate = 1, lzoBest = 2, lzoFast = 3, lzma = 4 };

/** How to encode pages. */
struct PageJob {
  Bytes input;                     // all pages, one behind the other
  std::span<const uint32_t> ends;  // where each page ends in `input`, ascending
  PageEncoder encoder;
  int level;         // of zlib or libdeflate
  LzmaOptions lzma;  // of lzma
};

/** Encoded pages, one behind the other; an empty one did not fit into the size of its page. */
struct EncodedPages {
  std::vector<uint8_t> data;
  std::vector<uint32_t> ends;
  std::vector<uint32_t> consumed;  // bytes of each page that went in: all, except where zlib ran out of room
};

/** Encodes every page by itself into at most its own size, on all processors. */
EncodedPages encodePages(const PageJob &job);

}  // namespace firmwright
