#include "squashfs-pack.h"

#include <sqfs/super.h>

#include <algorithm>

#include "error.h"
#include "squashfs-check.h"
#include "squashfs-metadata.h"
#include "squashfs-output.h"

namespace firmwright {

namespace {

constexpr uint16_t kDuplicatesFolded = 0x0040;  // the library's header names this bit for its opposite

void writePadding(const PackJob& job, SquashfsOutput& output, const PackControl& control) {
  const uint64_t over = output.size() % job.padTo;
  if (over == 0) return;
  std::vector<uint8_t> zeros(std::min<uint64_t>(job.padTo - over, 1 << 16), 0);
  for (uint64_t rest = job.padTo - over; rest > 0;) {
    const size_t length = std::min<uint64_t>(rest, zeros.size());
    checkOutput(output.append(zeros.data(), length), "pad the image", output, control);
    rest -= length;
  }
}

}  // namespace

void packImage(const PackJob& job, PackControl& control, PackResult& result) {
  SquashfsOutput output(job.outputPath, job.partialPath);
  sqfs_super_t super;
  check(sqfs_super_init(&super, job.compressor.blockSize, job.imageTime,
                        static_cast<SQFS_COMPRESSOR>(job.compressor.id)),
        "set up the super block");
  super.flags |= kDuplicatesFolded;
  checkOutput(sqfs_super_write(&super, output.file()), "reserve the super block", output, control);
  auto compressor = createCompressor(job.compressor, CompressorUse::kMetadata, control);
  if (checkOutput(compressor->write_options(compressor.get(), output.file()), "write the compressor options",
                  output, control) > 0) {
    super.flags |= SQFS_FLAG_COMPRESSOR_OPTIONS;
  }
  result.dataStart = output.size();
  packContents(job, output, control, result);
  packMetadata(job, output, control, super, result);
  checkOutput(sqfs_super_write(&super, output.file()), "write the super block", output, control);
  if (job.padTo > 1) writePadding(job, output, control);
  throwIfCancelled(control);

  result.encodeCount = control.encodeCount;
  result.bytesUsed = super.bytes_used;
  result.size = output.size();
  result.inodeTableStart = super.inode_table_start;
  result.directoryTableStart = super.directory_table_start;
  result.fragmentTableStart = super.fragment_table_start;
  result.exportTableStart = super.export_table_start;
  result.idTableStart = super.id_table_start;
  result.xattrTableStart = super.xattr_id_table_start;
  result.uidCount = super.id_count;
  output.commit();
  result.bytes = output.takeBytes();
}

}  // namespace firmwright
