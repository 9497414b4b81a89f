#include "squashfs-metadata.h"

#include <sqfs/block.h>
#include <sqfs/dir_writer.h>
#include <sqfs/frag_table.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/meta_writer.h>
#include <sqfs/xattr_writer.h>

#include <cstring>
#include <memory>
#include <new>

#include "handles.h"
#include "squashfs-check.h"
#include "squashfs-compressor.h"

namespace firmwright {

namespace {

constexpr uint16_t kTypeBits[] = {0,
                                  SQFS_INODE_MODE_DIR,
                                  SQFS_INODE_MODE_REG,
                                  SQFS_INODE_MODE_LNK,
                                  SQFS_INODE_MODE_BLK,
                                  SQFS_INODE_MODE_CHR,
                                  SQFS_INODE_MODE_FIFO,
                                  SQFS_INODE_MODE_SOCK};

class MetadataPacker {
 public:
  MetadataPacker(const PackJob& job, SquashfsOutput& output, PackControl& control, sqfs_super_t& super,
                 const PackResult& result)
      : job_(job), output_(output), control_(control), super_(super), result_(result) {
    compressor_ = createCompressor(job.compressor, CompressorUse::kMetadata, control);
    inodes_.reset(
        checkCreated(sqfs_meta_writer_create(output.file(), compressor_.get(), 0), "create the inode table"));
    directories_.reset(checkCreated(
        sqfs_meta_writer_create(output.file(), compressor_.get(), SQFS_META_WRITER_KEEP_IN_MEMORY),
        "create the directory table"));
    directory_.reset(checkCreated(
        sqfs_dir_writer_create(directories_.get(), job.exportTable ? SQFS_DIR_WRITER_CREATE_EXPORT_TABLE : 0),
        "create the directory writer"));
    ids_.reset(checkCreated(sqfs_id_table_create(0), "create the id table"));
    xattrs_.reset(checkCreated(sqfs_xattr_writer_create(0), "create the xattr table"));
    fragments_.reset(checkCreated(sqfs_frag_table_create(0), "create the fragment table"));
  }

  void run() {
    addXattrs();
    for (size_t i = 0; i < result_.fragmentStarts.size(); ++i) {
      sqfs_u32 index;
      checked(sqfs_frag_table_append(fragments_.get(), result_.fragmentStarts[i], result_.fragmentSizes[i],
                                     &index),
              "add a fragment");
    }
    super_.inode_table_start = output_.size();
    super_.inode_count = static_cast<sqfs_u32>(job_.types.size());
    writeInodes();
    super_.root_inode_ref = references_.back();
    super_.directory_table_start = output_.size();
    checked(sqfs_meta_write_write_to_file(directories_.get()), "write the directory table");
    writeTables();
    super_.bytes_used = output_.size();
  }

 private:
  int checked(int code, const char* step) { return checkOutput(code, step, output_, control_); }

  void addXattrs() {
    for (const auto& set : job_.xattrs) {
      checked(sqfs_xattr_writer_begin(xattrs_.get(), 0), "add xattrs");
      for (const Xattr& xattr : set) {
        checked(
            sqfs_xattr_writer_add(xattrs_.get(), xattr.name.c_str(), xattr.value.data(), xattr.value.size()),
            "add an xattr");
      }
      sqfs_u32 index;
      checked(sqfs_xattr_writer_end(xattrs_.get(), &index), "add xattrs");
      xattrIndexes_.push_back(index);
    }
  }

  void writeInodes() {
    const size_t count = job_.types.size();
    references_.resize(count);
    sourceOf_.assign(count, kNone);
    for (uint32_t source = 0; source < job_.sourceInodes.size(); ++source) {
      sourceOf_[job_.sourceInodes[source]] = source;
    }
    for (size_t i = 0; i < count; ++i) {
      if (i % 1024 == 0) throwIfCancelled(control_);
      // A folder's entries are written first: its inode says where they are.
      sqfs_inode_generic_t* inode = job_.types[i] == SQFS_INODE_DIR ? directoryInode(i) : inodeOf(i);
      const std::unique_ptr<sqfs_inode_generic_t, decltype(&sqfs_free)> owner(
          job_.types[i] == SQFS_INODE_DIR ? inode : nullptr, &sqfs_free);
      inode->base.mode = static_cast<sqfs_u16>(kTypeBits[job_.types[i]] | job_.modes[i]);
      inode->base.mod_time = job_.times[i];
      inode->base.inode_number = static_cast<sqfs_u32>(i + 1);
      checked(sqfs_id_table_id_to_index(ids_.get(), job_.uids[i], &inode->base.uid_idx), "add an owner");
      checked(sqfs_id_table_id_to_index(ids_.get(), job_.gids[i], &inode->base.gid_idx), "add a group");
      sqfs_u64 block;
      sqfs_u32 offset;
      sqfs_meta_writer_get_position(inodes_.get(), &block, &offset);
      references_[i] = block << 16 | offset;
      checked(sqfs_meta_writer_write_inode(inodes_.get(), inode), "write an inode");
    }
    checked(sqfs_meta_writer_flush(inodes_.get()), "write the inode table");
    checked(sqfs_meta_writer_flush(directories_.get()), "finish the directory table");
  }

  uint32_t xattrOf(size_t i) const {
    return job_.xattrSets[i] == kNone ? kNone : xattrIndexes_[job_.xattrSets[i]];
  }

  sqfs_inode_generic_t* directoryInode(size_t i) {
    checked(sqfs_dir_writer_begin(directory_.get(), 0), "begin a directory");
    for (uint32_t entry = job_.references[i]; entry < job_.references[i] + job_.counts[i]; ++entry) {
      const uint32_t inode = job_.entryInodes[entry];
      const std::string name(job_.names.begin() + job_.entryNameOffsets[entry],
                             job_.names.begin() + job_.entryNameOffsets[entry + 1]);
      checked(sqfs_dir_writer_add_entry(directory_.get(), name.c_str(), inode + 1, references_[inode],
                                        kTypeBits[job_.types[inode]]),
              "add a directory entry");
    }
    checked(sqfs_dir_writer_end(directory_.get()), "end a directory");
    sqfs_inode_generic_t* inode =
        checkCreated(sqfs_dir_writer_create_inode(directory_.get(), 0, xattrOf(i), job_.parents[i]),
                     "create a directory inode");
    // The library counts every entry as a link; only subdirectories are.
    if (inode->base.type == SQFS_INODE_DIR) {
      inode->data.dir.nlink = job_.linkCounts[i];
    } else {
      inode->data.dir_ext.nlink = job_.linkCounts[i];
    }
    return inode;
  }

  /** Grows the shared scratch inode to a payload and clears it. */
  sqfs_inode_generic_t* scratch(size_t payload) {
    scratch_.assign((sizeof(sqfs_inode_generic_t) + payload + 7) / 8, 0);
    auto* inode = reinterpret_cast<sqfs_inode_generic_t*>(scratch_.data());
    inode->payload_bytes_available = inode->payload_bytes_used = static_cast<sqfs_u32>(payload);
    return inode;
  }

  sqfs_inode_generic_t* inodeOf(size_t i) {
    const uint32_t xattr = xattrOf(i);
    const uint32_t links = job_.linkCounts[i];
    switch (job_.types[i]) {
      case SQFS_INODE_FILE:
        return fileInode(i, xattr, links);
      case SQFS_INODE_SLINK: {
        sqfs_inode_generic_t* inode = scratch(job_.counts[i]);
        inode->base.type = xattr == kNone ? SQFS_INODE_SLINK : SQFS_INODE_EXT_SLINK;
        // The basic form is a prefix of the extended one.
        inode->data.slink_ext = {links, job_.counts[i], xattr};
        memcpy(inode->extra, job_.names.data() + job_.references[i], job_.counts[i]);
        return inode;
      }
      case SQFS_INODE_BDEV:
      case SQFS_INODE_CDEV: {
        sqfs_inode_generic_t* inode = scratch(0);
        inode->base.type =
            static_cast<sqfs_u16>(xattr == kNone ? job_.types[i] : job_.types[i] + (SQFS_INODE_EXT_DIR - 1));
        inode->data.dev_ext = {links, job_.references[i], xattr};
        return inode;
      }
      default: {
        sqfs_inode_generic_t* inode = scratch(0);
        inode->base.type =
            static_cast<sqfs_u16>(xattr == kNone ? job_.types[i] : job_.types[i] + (SQFS_INODE_EXT_DIR - 1));
        inode->data.ipc_ext = {links, xattr};
        return inode;
      }
    }
  }

  sqfs_inode_generic_t* fileInode(size_t i, uint32_t xattr, uint32_t links) {
    const uint32_t source = sourceOf_[i];
    const FilePlace place = source == kNone ? FilePlace{} : result_.files[source];
    const uint64_t size = source == kNone ? 0 : static_cast<uint64_t>(job_.sourceSizes[source]);
    sqfs_inode_generic_t* inode = scratch(size_t{place.blockCount} * sizeof(uint32_t));
    const uint64_t limit = 0xffffffff;
    if (xattr == kNone && links == 1 && place.sparseBytes == 0 && size <= limit && place.start <= limit) {
      inode->base.type = SQFS_INODE_FILE;
      inode->data.file = {static_cast<sqfs_u32>(place.start), place.fragment, place.fragmentOffset,
                          static_cast<sqfs_u32>(size)};
    } else {
      inode->base.type = SQFS_INODE_EXT_FILE;
      inode->data.file_ext = {place.start,          size, place.sparseBytes, links, place.fragment,
                              place.fragmentOffset, xattr};
    }
    if (place.blockCount > 0) {
      memcpy(inode->extra, &result_.blockSizes[place.firstBlock],
             size_t{place.blockCount} * sizeof(uint32_t));
    }
    return inode;
  }

  void writeTables() {
    sqfs_compressor_t* compressor = compressor_.get();
    checked(sqfs_frag_table_write(fragments_.get(), output_.file(), &super_, compressor),
            "write the fragment table");
    if (job_.exportTable) {
      checked(sqfs_dir_writer_write_export_table(directory_.get(), output_.file(), compressor,
                                                 super_.inode_count, super_.root_inode_ref, &super_),
              "write the export table");
    }
    checked(sqfs_id_table_write(ids_.get(), output_.file(), &super_, compressor), "write the id table");
    checked(sqfs_xattr_writer_flush(xattrs_.get(), output_.file(), &super_, compressor),
            "write the xattr table");
  }

  const PackJob& job_;
  SquashfsOutput& output_;
  PackControl& control_;
  sqfs_super_t& super_;
  const PackResult& result_;
  std::vector<uint64_t> references_;  // of the inodes written so far
  std::vector<uint32_t> sourceOf_;
  std::vector<uint32_t> xattrIndexes_;
  std::vector<uint64_t> scratch_;
  SqfsHandle<sqfs_compressor_t> compressor_;
  SqfsHandle<sqfs_meta_writer_t> inodes_;
  SqfsHandle<sqfs_meta_writer_t> directories_;
  SqfsHandle<sqfs_dir_writer_t> directory_;
  SqfsHandle<sqfs_id_table_t> ids_;
  SqfsHandle<sqfs_xattr_writer_t> xattrs_;
  SqfsHandle<sqfs_frag_table_t> fragments_;
};

}  // namespace

void packMetadata(const PackJob& job, SquashfsOutput& output, PackControl& control, sqfs_super_t& super,
                  const PackResult& result) {
  MetadataPacker(job, output, control, super, result).run();
}

}  // namespace firmwright
