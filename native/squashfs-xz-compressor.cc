// The library's own xz compressor encodes each block up to three times with "extreme" and allocates its coder
// anew for each block. This one encodes once for each variant asked for, keeps the coder, uses a dictionary
// of 8 KiB for metadata, and leaves the sizes out of the xz block header, which every decoder gets from the
// stream itself.

#include "squashfs-xz-compressor.h"

#include <lzma.h>
#include <sqfs/block.h>
#include <sqfs/error.h>
#include <sqfs/io.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "squashfs-control.h"

namespace firmwright {

namespace {

struct BranchFilter {
  uint32_t bit;
  lzma_vli id;
};

// Bits as mksquashfs writes them; the kernel ignores the field and takes the filter from the stream.
const BranchFilter kBranchFilters[] = {
    {0x01, LZMA_FILTER_X86},   {0x02, LZMA_FILTER_POWERPC},  {0x04, LZMA_FILTER_IA64},
    {0x08, LZMA_FILTER_ARM},   {0x10, LZMA_FILTER_ARMTHUMB}, {0x20, LZMA_FILTER_SPARC},
#ifdef LZMA_FILTER_ARM64
    {0x40, LZMA_FILTER_ARM64},
#endif
};

lzma_vli filterOf(uint32_t bit) {
  for (const BranchFilter& filter : kBranchFilters) {
    if (filter.bit == bit) return filter.id;
  }
  return LZMA_VLI_UNKNOWN;
}

struct XzOptionsOnDisk {
  uint16_t header;  // metadata block header: 8 bytes, not compressed
  uint32_t dictionarySize;
  uint32_t flags;
} __attribute__((packed));

/** One filter chain with its coder, kept between blocks. */
struct Chain {
  VariantUse use;
  lzma_vli branchFilter;
  lzma_options_lzma options;
  lzma_stream stream = LZMA_STREAM_INIT;

  Chain(VariantUse on, lzma_vli filter, const lzma_options_lzma& parameters)
      : use(on), branchFilter(filter), options(parameters) {}
  ~Chain() { lzma_end(&stream); }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
};

struct XzCompressor : sqfs_compressor_t {
  CompressorSettings settings;
  CompressorUse use;
  PackControl* control;
  std::vector<std::unique_ptr<Chain>> chains;
  std::vector<uint8_t> other;  // a result, until it is known to be the best
};

/** Answers the compressed size, 0 when it would not be smaller than the input, or a libsquashfs error. */
sqfs_s32 encode(XzCompressor& self, Chain& chain, const uint8_t* in, uint32_t size, uint8_t* out,
                uint32_t room) {
  if (self.use == CompressorUse::kData) self.control->encodeCount.fetch_add(1, std::memory_order_relaxed);
  lzma_filter filters[3];
  size_t count = 0;
  if (chain.branchFilter != LZMA_VLI_UNKNOWN) filters[count++] = {chain.branchFilter, nullptr};
  filters[count++] = {LZMA_FILTER_LZMA2, &chain.options};
  filters[count] = {LZMA_VLI_UNKNOWN, nullptr};
  const lzma_ret started = lzma_stream_encoder(&chain.stream, filters, LZMA_CHECK_CRC32);
  if (started == LZMA_MEM_ERROR) return SQFS_ERROR_ALLOC;
  if (started != LZMA_OK) return SQFS_ERROR_COMPRESSOR;
  chain.stream.next_in = in;
  chain.stream.avail_in = size;
  chain.stream.next_out = out;
  chain.stream.avail_out = room;
  for (;;) {
    const lzma_ret result = lzma_code(&chain.stream, LZMA_FINISH);
    if (result == LZMA_STREAM_END) return static_cast<sqfs_s32>(room - chain.stream.avail_out);
    if (result == LZMA_MEM_ERROR) return SQFS_ERROR_ALLOC;
    if (result != LZMA_OK && result != LZMA_BUF_ERROR) return SQFS_ERROR_COMPRESSOR;
    if (chain.stream.avail_out == 0) return 0;
  }
}

/** Text compresses best with other parameters than machine code; a sample of the block tells them apart. */
VariantUse contentOf(const uint8_t* in, uint32_t size) {
  const uint32_t step = std::max<uint32_t>(size / 4096, 1);
  uint32_t seen = 0;
  uint32_t text = 0;
  for (uint32_t i = 0; i < size; i += step, ++seen)
    text += (in[i] >= 32 && in[i] < 127) || (in[i] >= 9 && in[i] <= 13);
  return text >= seen - seen / 16 ? VariantUse::kText : VariantUse::kBinary;
}

sqfs_s32 doBlock(sqfs_compressor_t* base, const sqfs_u8* in, sqfs_u32 size, sqfs_u8* out, sqfs_u32 outsize) {
  auto& self = *static_cast<XzCompressor*>(base);
  if (mayStop(*self.control)) return 0;
  if (size == 0) return 0;
  const VariantUse content = contentOf(in, size);
  sqfs_s32 best = 0;
  for (const auto& chain : self.chains) {
    if (chain->use != VariantUse::kEvery && chain->use != content) continue;
    // Only a shorter stream than the best so far is wanted: the coder stops when it has no room.
    const uint32_t room = best > 0 ? static_cast<uint32_t>(best) - 1 : std::min(size - 1, outsize);
    if (room == 0) break;
    if (self.other.size() < room) self.other.resize(room);
    const sqfs_s32 result = encode(self, *chain, in, size, self.other.data(), room);
    if (result < 0) return giveUp(*self.control, result);
    if (result == 0) continue;
    memcpy(out, self.other.data(), static_cast<size_t>(result));
    best = result;
  }
  return best;
}

int writeOptions(sqfs_compressor_t* base, sqfs_file_t* file) {
  const auto& settings = static_cast<XzCompressor*>(base)->settings;
  // Readers take the block size, or that of metadata blocks, and no filters when the options are absent.
  const uint32_t assumed = std::max<uint32_t>(settings.blockSize, SQFS_META_BLOCK_SIZE);
  if (settings.dictionarySize == assumed && settings.branchFilters == 0) return 0;
  const XzOptionsOnDisk options = {0x8000 | 8, settings.dictionarySize, settings.branchFilters};
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the options are stored little-endian");
  const int code = file->write_at(file, file->get_size(file), &options, sizeof(options));
  return code != 0 ? code : static_cast<int>(sizeof(options));
}

void getConfiguration(const sqfs_compressor_t* base, sqfs_compressor_config_t* config) {
  const auto& settings = static_cast<const XzCompressor*>(base)->settings;
  *config = {};
  config->id = SQFS_COMP_XZ;
  config->block_size = settings.blockSize;
  config->level = settings.level;
  config->opt.xz.dict_size = settings.dictionarySize;
}

sqfs_object_t* copy(const sqfs_object_t* base) {
  const auto& self = *static_cast<const XzCompressor*>(reinterpret_cast<const sqfs_compressor_t*>(base));
  sqfs_compressor_t* made = createXzCompressor(self.settings, self.use, *self.control);
  return made == nullptr ? nullptr : &made->base;
}

void destroy(sqfs_object_t* base) {
  delete static_cast<XzCompressor*>(reinterpret_cast<sqfs_compressor_t*>(base));
}

}  // namespace

sqfs_compressor_t* createXzCompressor(const CompressorSettings& settings, CompressorUse use,
                                      PackControl& control) {
  try {
    auto made = std::make_unique<XzCompressor>();
    made->base = {destroy, copy};
    made->get_configuration = getConfiguration;
    made->write_options = writeOptions;
    made->read_options = [](sqfs_compressor_t*, sqfs_file_t*) {
      return static_cast<int>(SQFS_ERROR_UNSUPPORTED);
    };
    made->do_block = doBlock;
    made->settings = settings;
    made->use = use;
    made->control = &control;
    lzma_options_lzma options;
    if (lzma_lzma_preset(&options, settings.level | (settings.extreme ? LZMA_PRESET_EXTREME : 0)))
      return nullptr;
    options.dict_size = settings.dictionarySize;
    options.lc = settings.literalContextBits;
    options.lp = settings.literalPositionBits;
    options.pb = settings.positionBits;
    if (use == CompressorUse::kMetadata) {
      // Tables hold no machine code, and are too small for a search to pay.
      options.dict_size = std::min<uint32_t>(settings.dictionarySize, SQFS_META_BLOCK_SIZE);
      made->chains.push_back(std::make_unique<Chain>(VariantUse::kEvery, LZMA_VLI_UNKNOWN, options));
      return made.release();
    }
    for (const XzVariant& variant : settings.variants) {
      options.lc = variant.literalContextBits;
      options.lp = variant.literalPositionBits;
      options.pb = variant.positionBits;
      lzma_options_lzma own = options;
      if (variant.niceLength > 0) own.nice_len = variant.niceLength;
      if (variant.searchDepth > 0) own.depth = variant.searchDepth;
      made->chains.push_back(std::make_unique<Chain>(variant.use, filterOf(variant.branchFilter), own));
    }
    return made.release();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

}  // namespace firmwright
