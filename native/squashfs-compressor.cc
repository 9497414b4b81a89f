#include "squashfs-compressor.h"

#include <sqfs/error.h>

#include <algorithm>

#include "squashfs-check.h"
#include "squashfs-control.h"
#include "squashfs-xz-compressor.h"

namespace firmwright {

namespace {

/** A compressor of libsquashfs behind the rule that a result not smaller than its input is no result. */
struct CheckedCompressor : sqfs_compressor_t {
  SqfsHandle<sqfs_compressor_t> inner;
  PackControl* control = nullptr;
  CompressorUse use = CompressorUse::kData;
};

CheckedCompressor* asChecked(sqfs_compressor_t* base) { return static_cast<CheckedCompressor*>(base); }

CheckedCompressor* wrap(SqfsHandle<sqfs_compressor_t> inner, CompressorUse use, PackControl* control) {
  auto* made = new CheckedCompressor();
  made->inner = std::move(inner);
  made->control = control;
  made->use = use;
  made->base.destroy = [](sqfs_object_t* object) {
    delete asChecked(reinterpret_cast<sqfs_compressor_t*>(object));
  };
  made->base.copy = [](const sqfs_object_t* object) -> sqfs_object_t* {
    const auto& self =
        *static_cast<const CheckedCompressor*>(reinterpret_cast<const sqfs_compressor_t*>(object));
    SqfsHandle<sqfs_compressor_t> copied(static_cast<sqfs_compressor_t*>(sqfs_copy(self.inner.get())));
    return copied == nullptr ? nullptr : &wrap(std::move(copied), self.use, self.control)->base;
  };
  made->get_configuration = [](const sqfs_compressor_t* self, sqfs_compressor_config_t* config) {
    const auto& inner = static_cast<const CheckedCompressor*>(self)->inner;
    inner->get_configuration(inner.get(), config);
  };
  made->write_options = [](sqfs_compressor_t* self, sqfs_file_t* file) {
    return asChecked(self)->inner->write_options(asChecked(self)->inner.get(), file);
  };
  made->read_options = [](sqfs_compressor_t* self, sqfs_file_t* file) {
    return asChecked(self)->inner->read_options(asChecked(self)->inner.get(), file);
  };
  made->do_block = [](sqfs_compressor_t* self, const sqfs_u8* in, sqfs_u32 size, sqfs_u8* out,
                      sqfs_u32 outsize) -> sqfs_s32 {
    PackControl& control = *asChecked(self)->control;
    if (mayStop(control)) return 0;
    if (asChecked(self)->use == CompressorUse::kData) {
      control.encodeCount.fetch_add(1, std::memory_order_relaxed);
    }
    sqfs_compressor_t* inner = asChecked(self)->inner.get();
    const sqfs_s32 result = inner->do_block(inner, in, size, out, outsize);
    if (result < 0) return giveUp(control, result);
    return static_cast<sqfs_u32>(result) >= size ? 0 : result;
  };
  return made;
}

/** A compressor that asks the store first, and puts there what it had to work out. */
struct StoringCompressor : sqfs_compressor_t {
  SqfsHandle<sqfs_compressor_t> inner;
  std::shared_ptr<BlockStore> store;
  PackControl* control = nullptr;
};

StoringCompressor* asStoring(sqfs_compressor_t* base) { return static_cast<StoringCompressor*>(base); }

StoringCompressor* wrapStoring(SqfsHandle<sqfs_compressor_t> inner, std::shared_ptr<BlockStore> store,
                               PackControl* control) {
  auto* made = new StoringCompressor();
  made->inner = std::move(inner);
  made->store = std::move(store);
  made->control = control;
  made->base.destroy = [](sqfs_object_t* object) {
    delete asStoring(reinterpret_cast<sqfs_compressor_t*>(object));
  };
  made->base.copy = [](const sqfs_object_t* object) -> sqfs_object_t* {
    const auto& self =
        *static_cast<const StoringCompressor*>(reinterpret_cast<const sqfs_compressor_t*>(object));
    SqfsHandle<sqfs_compressor_t> copied(static_cast<sqfs_compressor_t*>(sqfs_copy(self.inner.get())));
    return copied == nullptr ? nullptr : &wrapStoring(std::move(copied), self.store, self.control)->base;
  };
  made->get_configuration = [](const sqfs_compressor_t* self, sqfs_compressor_config_t* config) {
    const auto& inner = static_cast<const StoringCompressor*>(self)->inner;
    inner->get_configuration(inner.get(), config);
  };
  // Only data blocks come here; the options are written by the compressor of the metadata.
  made->write_options = [](sqfs_compressor_t*, sqfs_file_t*) {
    return static_cast<int>(SQFS_ERROR_UNSUPPORTED);
  };
  made->read_options = made->write_options;
  made->do_block = [](sqfs_compressor_t* base, const sqfs_u8* in, sqfs_u32 size, sqfs_u8* out,
                      sqfs_u32 outsize) -> sqfs_s32 {
    StoringCompressor& self = *asStoring(base);
    const std::vector<uint8_t>* known = self.store->find(in, size);
    if (known != nullptr && known->size() <= outsize) {
      std::copy(known->begin(), known->end(), out);
      return static_cast<sqfs_s32>(known->size());
    }
    const sqfs_s32 result = self.inner->do_block(self.inner.get(), in, size, out, outsize);
    // A run that stops passes its blocks on as incompressible.
    const bool isResult = result >= 0 && !mayStop(*self.control);
    if (isResult && known == nullptr) self.store->add(in, size, out, static_cast<size_t>(result));
    return result;
  };
  return made;
}

SqfsHandle<sqfs_compressor_t> makeCompressor(const CompressorSettings& settings, CompressorUse use,
                                             PackControl& control) {
  if (settings.id == SQFS_COMP_XZ) {
    return SqfsHandle<sqfs_compressor_t>(
        checkCreated(createXzCompressor(settings, use, control), "create the xz compressor"));
  }
  sqfs_compressor_config_t config;
  check(
      sqfs_compressor_config_init(&config, static_cast<SQFS_COMPRESSOR>(settings.id), settings.blockSize, 0),
      "configure the compressor");
  if (settings.id != SQFS_COMP_LZ4) config.level = settings.level;
  if (settings.id == SQFS_COMP_GZIP) config.opt.gzip.window_size = static_cast<sqfs_u16>(settings.windowSize);
  if (settings.id == SQFS_COMP_LZ4 && settings.highCompression) config.flags |= SQFS_COMP_FLAG_LZ4_HC;
  if (settings.id == SQFS_COMP_LZMA) {
    config.opt.lzma.dict_size = settings.dictionarySize;
    config.opt.lzma.lc = static_cast<sqfs_u8>(settings.literalContextBits);
    config.opt.lzma.lp = static_cast<sqfs_u8>(settings.literalPositionBits);
    config.opt.lzma.pb = static_cast<sqfs_u8>(settings.positionBits);
  }
  sqfs_compressor_t* inner = nullptr;
  check(sqfs_compressor_create(&config, &inner), "create the compressor");
  return SqfsHandle<sqfs_compressor_t>(wrap(SqfsHandle<sqfs_compressor_t>(inner), use, &control));
}

}  // namespace

SqfsHandle<sqfs_compressor_t> createCompressor(const CompressorSettings& settings, CompressorUse use,
                                               PackControl& control) {
  auto made = makeCompressor(settings, use, control);
  if (settings.store == nullptr || use != CompressorUse::kData) return made;
  return SqfsHandle<sqfs_compressor_t>(wrapStoring(std::move(made), settings.store, &control));
}

}  // namespace firmwright
