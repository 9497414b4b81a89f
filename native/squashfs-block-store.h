// Compressed blocks of a run, for later runs with the same compressor over nearly the same tree.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace firmwright {

/**
 * Blocks by their content, compared byte by byte. It takes blocks until it is sealed, which keeps its size
 * that of one tree; then it only answers, from any number of runs at once.
 */
class BlockStore {
 public:
  /** A block's compressed form; empty when it does not compress. Null when the block is not known. */
  const std::vector<uint8_t>* find(const uint8_t* data, size_t length);
  void add(const uint8_t* data, size_t length, const uint8_t* stored, size_t storedLength);
  void seal();

 private:
  struct Entry {
    std::vector<uint8_t> data;
    std::vector<uint8_t> stored;
  };

  std::mutex mutex_;
  bool sealed_ = false;
  std::unordered_multimap<uint64_t, std::unique_ptr<Entry>> entries_;
};

/** `new BlockStore()`; handed to runs, the first of which fills it; `seal()` ends the filling. */
class BlockStoreHandle : public Napi::ObjectWrap<BlockStoreHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit BlockStoreHandle(const Napi::CallbackInfo& info);
  std::shared_ptr<BlockStore> store() const { return store_; }

 private:
  Napi::Value seal(const Napi::CallbackInfo& info);

  std::shared_ptr<BlockStore> store_;
};

}  // namespace firmwright
