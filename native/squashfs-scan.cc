#include "squashfs-scan.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <unordered_map>

namespace firmwright {

namespace {

constexpr size_t kReadSize = 256 * 1024;
constexpr uint64_t kKeptTailBytes =
    8 * 1024 * 1024;                          // tails up to this total stay in memory until they are packed
constexpr uint64_t kFeatureBudget = 500'000;  // samples of all tails together

/** A 64-bit digest to find candidates with; equality is decided by comparing the bytes. */
class Digest {
 public:
  void add(const uint8_t* data, size_t length) {
    for (; length >= 8; data += 8, length -= 8) {
      uint64_t word;
      memcpy(&word, data, 8);
      mix(word);
    }
    uint64_t word = length;
    memcpy(&word, data, length);
    if (length > 0) mix(word ^ uint64_t{length} << 56);
  }
  uint64_t value() const { return state_; }

 private:
  void mix(uint64_t word) {
    state_ = (state_ ^ word) * 0x9e3779b97f4a7c15;
    state_ ^= state_ >> 29;
  }
  uint64_t state_ = 0x51afd7ed558ccd;
};

class Scanner {
 public:
  Scanner(const PackJob& job, const PackControl& control)
      : job_(job), control_(control), reader_(job), second_(job), buffer_(kReadSize), compared_(kReadSize) {}

  Scan run() {
    const size_t count = job_.sourceSizes.size();
    scan_.files.resize(count);
    // Several files of one size: only they can be equal.
    std::unordered_map<uint64_t, uint32_t> ofSize;
    for (size_t i = 0; i < count; ++i) ofSize[reader_.size(i)] += 1;
    uint64_t tailBytes = 0;
    size_t tailCount = 0;
    for (size_t i = 0; i < count; ++i) {
      const uint32_t tailSize = layout(i).tailSize;
      tailBytes += tailSize;
      tailCount += tailSize > 0;
    }
    samples_ = job_.similarity && tailCount <= kMaxArrangedTails;
    while (tailBytes / scan_.featureDistance > kFeatureBudget) scan_.featureDistance *= 2;
    for (size_t i = 0; i < count; ++i) {
      if (i % 64 == 0) throwIfCancelled(control_);
      const uint64_t size = reader_.size(i);
      if (size == 0) continue;
      if (ofSize[size] > 1 && foldDuplicate(i, size)) continue;
      scan_.files[i] = layout(i);
      if (scan_.files[i].tailSize > 0) addTail(i);
    }
    return std::move(scan_);
  }

 private:
  ScannedFile layout(size_t source) const {
    const uint64_t size = reader_.size(source);
    const uint32_t blockSize = job_.compressor.blockSize;
    const auto rest = static_cast<uint32_t>(size % blockSize);
    ScannedFile file;
    file.blockCount = static_cast<uint32_t>(size / blockSize);
    if (job_.fragments && (size < blockSize || rest <= job_.tailEndLimit)) {
      file.tailSize = rest;
    } else if (rest > 0) {
      file.blockCount += 1;
    }
    return file;
  }

  bool foldDuplicate(size_t source, uint64_t size) {
    Digest digest;
    for (uint64_t at = 0; at < size; at += kReadSize) {
      const size_t length = std::min<uint64_t>(kReadSize, size - at);
      reader_.read(source, at, buffer_.data(), length);
      digest.add(buffer_.data(), length);
      throwIfCancelled(control_);
    }
    auto& candidates = byDigest_[digest.value() ^ size];
    for (const uint32_t candidate : candidates) {
      if (reader_.size(candidate) != size || !equal(source, candidate, size)) continue;
      scan_.files[source].original = candidate;
      return true;
    }
    candidates.push_back(static_cast<uint32_t>(source));
    return false;
  }

  bool equal(size_t a, size_t b, uint64_t size) {
    for (uint64_t at = 0; at < size; at += kReadSize) {
      const size_t length = std::min<uint64_t>(kReadSize, size - at);
      reader_.read(a, at, buffer_.data(), length);
      second_.read(b, at, compared_.data(), length);
      if (memcmp(buffer_.data(), compared_.data(), length) != 0) return false;
    }
    return true;
  }

  void addTail(size_t source) {
    const ScannedFile& file = scan_.files[source];
    const uint64_t start = reader_.size(source) - file.tailSize;
    std::vector<uint8_t> bytes(file.tailSize);
    reader_.read(source, start, bytes.data(), bytes.size());
    Tail tail = {
        static_cast<uint32_t>(source), file.tailSize, ContentClass::kText, job_.sourceGroups[source], {}};
    if (start == 0) {
      tail.contentClass = classify(bytes.data(), bytes.size());
    } else {
      uint8_t head[512];
      reader_.read(source, 0, head, sizeof(head));
      tail.contentClass = classify(head, sizeof(head));
    }
    if (samples_) {
      sampleFeatures(bytes.data(), bytes.size(), scan_.featureDistance, features_);
      tail.features.assign(features_.begin(), features_.end());
    }
    scan_.tails.push_back(std::move(tail));
    const bool keeps = keptBytes_ + bytes.size() <= kKeptTailBytes;
    if (keeps) keptBytes_ += bytes.size();
    scan_.tailBytes.push_back(keeps ? std::move(bytes) : std::vector<uint8_t>());
  }

  const PackJob& job_;
  const PackControl& control_;
  SourceReader reader_;
  SourceReader second_;
  std::vector<uint8_t> buffer_;
  std::vector<uint8_t> compared_;
  std::vector<uint32_t> features_;  // of the tail at hand, before they are kept in the size they need
  std::unordered_map<uint64_t, std::vector<uint32_t>> byDigest_;
  uint64_t keptBytes_ = 0;
  bool samples_ = false;
  Scan scan_;
};

}  // namespace

Scan scanSources(const PackJob& job, const PackControl& control) { return Scanner(job, control).run(); }

}  // namespace firmwright
