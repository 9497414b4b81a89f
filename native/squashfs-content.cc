// Own blocks go through the library's thread pool by `submit_block`, so that fragment blocks are ours to
// fill; the library's begin/append/end road packs tails strictly in file order.

#include "squashfs-content.h"

#include <sqfs/block.h>
#include <sqfs/block_processor.h>
#include <sqfs/block_writer.h>
#include <sqfs/error.h>
#include <sqfs/frag_table.h>

#include <algorithm>
#include <future>
#include <numeric>

#include "error.h"
#include "handles.h"
#include "squashfs-check.h"
#include "squashfs-scan.h"

namespace firmwright {

namespace {

constexpr uint32_t kStoredUncompressed = 1U << 24;
constexpr uint32_t kBacklogPerWorker = 10;

/** Where a submitted block went; handed through the block processor as its user pointer. */
struct BlockRecord {
  uint64_t location = 0;
  uint32_t storedSize = 0;
  uint32_t rawSize = 0;
};

/** Appends finished blocks, which arrive in the order of submission, and notes their places. */
struct RecordingWriter : sqfs_block_writer_t {
  SquashfsOutput* output = nullptr;
  PackControl* control = nullptr;
  uint64_t count = 0;

  RecordingWriter() {
    base.destroy = [](sqfs_object_t*) {};
    base.copy = nullptr;
    write_data_block = [](sqfs_block_writer_t* writer, void* user, sqfs_u32 size, sqfs_u32, sqfs_u32 flags,
                          const sqfs_u8* data, sqfs_u64* location) {
      auto& self = *static_cast<RecordingWriter*>(writer);
      if (mayStop(*self.control)) return 0;
      auto& record = *static_cast<BlockRecord*>(user);
      record.location = *location = self.output->size();
      record.storedSize = (flags & SQFS_BLK_IS_COMPRESSED) ? size : size | kStoredUncompressed;
      self.count += 1;
      self.control->bytesDone.fetch_add(record.rawSize, std::memory_order_relaxed);
      const int code = self.output->append(data, size);
      return code < 0 ? giveUp(*self.control, code) : code;
    };
    get_block_count = [](const sqfs_block_writer_t* writer) -> sqfs_u64 {
      return static_cast<const RecordingWriter*>(writer)->count;
    };
  }
};

bool isZero(const uint8_t* data, size_t length) {
  return data[0] == 0 && std::equal(data + 1, data + length, data);
}

class ContentPacker {
 public:
  ContentPacker(const PackJob& job, SquashfsOutput& output, PackControl& control, PackResult& result)
      : job_(job), output_(output), control_(control), result_(result), reader_(job) {
    writer_.output = &output;
    writer_.control = &control;
    compressor_ = createCompressor(job.compressor, CompressorUse::kData, control);
    fragmentTable_.reset(checkCreated(sqfs_frag_table_create(0), "create the fragment table"));
    sqfs_block_processor_desc_t description = {};
    description.size = sizeof(description);
    description.max_block_size = job.compressor.blockSize;
    description.num_workers = job.workers;
    description.max_backlog = kBacklogPerWorker * job.workers;
    description.cmp = compressor_.get();
    description.wr = &writer_;
    // Neither deduplicates for us (see flags below), so nothing rests on the library's 32-bit hashes.
    description.tbl = fragmentTable_.get();
    sqfs_block_processor_t* processor = nullptr;
    check(sqfs_block_processor_create_ex(&description, &processor), "start the compressor threads");
    processor_.reset(processor);
  }

  /** A run that ends early hands its blocks through first: what is under way would be lost to the heap else. */
  ~ContentPacker() {
    if (!processor_) return;
    control_.cancelled = true;
    sqfs_block_processor_finish(processor_.get());
  }

  ContentPacker(const ContentPacker&) = delete;
  ContentPacker& operator=(const ContentPacker&) = delete;

  void run() {
    scan_ = scanSources(job_, control_);
    // The order is worked out while the compressor threads have data blocks to do.
    auto order = std::async(std::launch::async, [this] { return fragmentBlocks(); });
    try {
      submitDataBlocks();
    } catch (...) {
      control_.cancelled = true;
      throw;
    }
    fragmentPlan_ = order.get();
    throwIfCancelled(control_);
    submitFragmentBlocks();
    checkOutput(sqfs_block_processor_finish(processor_.get()), "compress the last blocks", output_, control_);
    throwIfStopped();
    processor_.reset();
    fillResult();
  }

 private:
  std::vector<std::vector<uint32_t>> fragmentBlocks() {
    const uint32_t capacity = job_.compressor.blockSize;
    if (!job_.similarity) {
      std::vector<uint32_t> order(scan_.tails.size());
      std::iota(order.begin(), order.end(), 0);
      return fillInOrder(scan_.tails, order, capacity);
    }
    return arrangeTails(scan_.tails, {capacity, scan_.featureDistance, job_.similarityMoves, job_.seed},
                        control_.cancelled);
  }

  void throwIfStopped() const {
    if (mayStop(control_)) checkOutput(SQFS_ERROR_IO, "write a block", output_, control_);
  }

  void submit(BlockRecord& record, const uint8_t* data, size_t length) {
    throwIfStopped();
    record.rawSize = static_cast<uint32_t>(length);
    constexpr uint32_t kFlags = SQFS_BLK_DONT_FRAGMENT | SQFS_BLK_DONT_DEDUPLICATE | SQFS_BLK_DONT_HASH |
                                SQFS_BLK_IGNORE_SPARSE | SQFS_BLK_FIRST_BLOCK | SQFS_BLK_LAST_BLOCK;
    checkOutput(sqfs_block_processor_submit_block(processor_.get(), &record, kFlags, data, length),
                "compress a block", output_, control_);
  }

  void submitDataBlocks() {
    size_t total = 0;
    for (const ScannedFile& file : scan_.files) total += file.blockCount;
    // Never resized: the block processor holds pointers into it.
    blocks_.resize(total);
    result_.files.resize(scan_.files.size());
    std::vector<uint8_t> buffer(job_.compressor.blockSize);
    uint32_t next = 0;
    for (size_t source = 0; source < scan_.files.size(); ++source) {
      const ScannedFile& file = scan_.files[source];
      FilePlace& place = result_.files[source];
      place.firstBlock = next;
      place.blockCount = file.blockCount;
      for (uint32_t i = 0; i < file.blockCount; ++i) {
        const uint64_t at = uint64_t{i} * buffer.size();
        const size_t length = std::min<uint64_t>(buffer.size(), reader_.size(source) - at);
        reader_.read(source, at, buffer.data(), length);
        BlockRecord& record = blocks_[next++];
        if (isZero(buffer.data(), length)) {
          place.sparseBytes += length;
          control_.bytesDone.fetch_add(length, std::memory_order_relaxed);
        } else {
          submit(record, buffer.data(), length);
        }
      }
    }
  }

  void submitFragmentBlocks() {
    fragments_.resize(fragmentPlan_.size());
    std::vector<uint8_t> buffer(job_.compressor.blockSize);
    for (uint32_t i = 0; i < fragmentPlan_.size(); ++i) {
      uint32_t fill = 0;
      uint32_t end = 0;
      for (const uint32_t index : fragmentPlan_[i]) {
        const Tail& tail = scan_.tails[index];
        std::vector<uint8_t>& kept = scan_.tailBytes[index];
        if (kept.empty()) {
          reader_.read(tail.source, reader_.size(tail.source) - tail.size, buffer.data() + fill, tail.size);
        } else {
          std::copy(kept.begin(), kept.end(), buffer.begin() + fill);
          std::vector<uint8_t>().swap(kept);
        }
        FilePlace& place = result_.files[tail.source];
        place.fragment = i;
        place.fragmentOffset = fill;
        end = fill + tail.size;
        fill += alignedSize(tail);
        // The gap up to the next tail must not hold bytes of the block before.
        std::fill(buffer.begin() + end, buffer.begin() + std::min<size_t>(fill, buffer.size()), 0);
      }
      submit(fragments_[i], buffer.data(), end);
    }
  }

  void fillResult() {
    for (const BlockRecord& block : blocks_) result_.blockSizes.push_back(block.storedSize);
    for (const BlockRecord& fragment : fragments_) {
      result_.fragmentStarts.push_back(fragment.location);
      result_.fragmentSizes.push_back(fragment.storedSize);
    }
    for (size_t source = 0; source < scan_.files.size(); ++source) {
      FilePlace& place = result_.files[source];
      const uint32_t original = scan_.files[source].original;
      if (original != kNone) {
        place = result_.files[original];
        result_.duplicateFiles += 1;
        result_.duplicateBytes += reader_.size(source);
        continue;
      }
      for (uint32_t i = 0; i < place.blockCount && place.start == 0; ++i) {
        const BlockRecord& block = blocks_[place.firstBlock + i];
        if (block.storedSize != 0) place.start = block.location;
      }
    }
  }

  const PackJob& job_;
  SquashfsOutput& output_;
  PackControl& control_;
  PackResult& result_;
  SourceReader reader_;
  Scan scan_;
  std::vector<std::vector<uint32_t>> fragmentPlan_;
  std::vector<BlockRecord> blocks_;
  std::vector<BlockRecord> fragments_;
  // Destroyed in reverse: the block processor first, because its threads use the rest.
  RecordingWriter writer_;
  SqfsHandle<sqfs_compressor_t> compressor_;
  SqfsHandle<sqfs_frag_table_t> fragmentTable_;
  SqfsHandle<sqfs_block_processor_t> processor_;
};

}  // namespace

void throwIfCancelled(const PackControl& control) {
  if (control.cancelled.load(std::memory_order_relaxed)) {
    throw Failure(FailureKind::kCancelled, "pack a squashfs image: cancelled", "", 0, "");
  }
  check(control.error.load(std::memory_order_relaxed), "compress a block");
}

int checkOutput(int code, const char* step, const SquashfsOutput& output, const PackControl& control) {
  if (code >= 0) return code;
  if (output.errorNumber() != 0) throw systemFailure("write the image", output.path(), output.errorNumber());
  throwIfCancelled(control);
  return check(code, step, output.path());
}

void packContents(const PackJob& job, SquashfsOutput& output, PackControl& control, PackResult& result) {
  ContentPacker(job, output, control, result).run();
}

}  // namespace firmwright
