#include "squashfs-block-store.h"

#include <cstring>
#include <string_view>

namespace firmwright {

namespace {

uint64_t keyOf(const uint8_t* data, size_t length) {
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(data), length});
}

}  // namespace

const std::vector<uint8_t>* BlockStore::find(const uint8_t* data, size_t length) {
  const uint64_t key = keyOf(data, length);
  const std::lock_guard lock(mutex_);
  const auto [first, last] = entries_.equal_range(key);
  for (auto at = first; at != last; ++at) {
    const Entry& entry = *at->second;
    if (entry.data.size() == length && memcmp(entry.data.data(), data, length) == 0) return &entry.stored;
  }
  return nullptr;
}

void BlockStore::add(const uint8_t* data, size_t length, const uint8_t* stored, size_t storedLength) {
  const uint64_t key = keyOf(data, length);
  const std::lock_guard lock(mutex_);
  if (sealed_) return;
  entries_.emplace(key,
                   std::make_unique<Entry>(Entry{{data, data + length}, {stored, stored + storedLength}}));
}

void BlockStore::seal() {
  const std::lock_guard lock(mutex_);
  sealed_ = true;
}

Napi::Function BlockStoreHandle::define(Napi::Env env) {
  return DefineClass(env, "BlockStore", {InstanceMethod("seal", &BlockStoreHandle::seal)});
}

BlockStoreHandle::BlockStoreHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<BlockStoreHandle>(info), store_(std::make_shared<BlockStore>()) {}

Napi::Value BlockStoreHandle::seal(const Napi::CallbackInfo& info) {
  store_->seal();
  return info.Env().Undefined();
}

}  // namespace firmwright
