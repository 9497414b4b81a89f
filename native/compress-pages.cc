#include "compress-pages.h"

#include <libdeflate.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>

namespace firmwright {

namespace {

using Stream = std::optional<std::vector<uint8_t>>;
using Page = std::optional<Decoded>;

/** Pages that a thread takes at a time. */
constexpr size_t kShare = 16;
constexpr unsigned kThreadLimit = 8;

struct FreeDeflate {
  void operator()(libdeflate_compressor *coder) const { libdeflate_free_compressor(coder); }
};

/** The coder of one thread. */
class PageCoder {
 public:
  explicit PageCoder(const PageJob &job) : job_(job) {
    if (job.encoder != PageEncoder::deflate) return;
    deflate_.reset(libdeflate_alloc_compressor(job.level));
    if (!deflate_) throw std::bad_alloc();
  }

  Page encode(Bytes page) {
    switch (job_.encoder) {
      case PageEncoder::zlibWithin:
        return encodeZlibWithin(page, job_.level, page.size());
      case PageEncoder::deflate: {
        std::vector<uint8_t> output(page.size());
        size_t length =
            libdeflate_zlib_compress(deflate_.get(), page.data(), page.size(), output.data(), output.size());
        if (length == 0) return std::nullopt;
        output.resize(length);
        return Decoded{std::move(output), page.size()};
      }
      case PageEncoder::lzoBest:
        return whole(page, encodeLzo(page, true, page.size()));
      case PageEncoder::lzoFast:
        return whole(page, encodeLzo(page, false, page.size()));
      case PageEncoder::lzma:
        return whole(page, encodeLzma(page, job_.lzma, false, page.size()));
    }
    return std::nullopt;
  }

 private:
  static Page whole(Bytes page, Stream stream) {
    if (!stream) return std::nullopt;
    return Decoded{std::move(*stream), page.size()};
  }

  const PageJob &job_;
  std::unique_ptr<libdeflate_compressor, FreeDeflate> deflate_;
};

}  // namespace

EncodedPages encodePages(const PageJob &job) {
  size_t count = job.ends.size();
  std::vector<Page> pages(count);
  std::atomic<size_t> next = 0;
  std::exception_ptr failure;
  std::mutex failureLock;
  auto work = [&] {
    try {
      PageCoder coder(job);
      for (size_t start = next.fetch_add(kShare); start < count; start = next.fetch_add(kShare)) {
        for (size_t i = start; i < std::min(start + kShare, count); i++) {
          size_t from = i == 0 ? 0 : job.ends[i - 1];
          pages[i] = coder.encode(job.input.subspan(from, job.ends[i] - from));
        }
      }
    } catch (...) {
      std::lock_guard lock(failureLock);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  unsigned wanted = std::clamp(std::thread::hardware_concurrency(), 1u, kThreadLimit);
  size_t helpers = std::min<size_t>(wanted, (count + kShare - 1) / kShare);
  std::vector<std::thread> threads;
  try {
    for (size_t i = 1; i < helpers; i++) threads.emplace_back(work);
  } catch (const std::system_error &) {
    // Without more threads the work takes longer, no more.
  }
  work();
  for (std::thread &thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);

  EncodedPages result;
  size_t total = 0;
  for (const Page &page : pages) total += page ? page->data.size() : 0;
  result.data.reserve(total);
  result.ends.reserve(count);
  result.consumed.reserve(count);
  for (const Page &page : pages) {
    if (page) result.data.insert(result.data.end(), page->data.begin(), page->data.end());
    result.consumed.push_back(static_cast<uint32_t>(page ? page->consumed : 0));
    result.ends.push_back(static_cast<uint32_t>(result.data.size()));
  }
  return result;
}

}  // namespace firmwright
