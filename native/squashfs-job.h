// A pack run as plain data: what TypeScript hands over, and what it gets back. No JS types here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "squashfs-compressor.h"

namespace firmwright {

constexpr uint32_t kNone = 0xffffffff;

/** One xattr; the name has its prefix, the value is binary. */
struct Xattr {
  std::string name;
  std::vector<uint8_t> value;
};

/**
 * The tree, planned by TypeScript, as columns. The index of an inode is its number minus one; every object
 * comes before the directories that name it, and the root is last.
 */
struct PackJob {
  // Of every inode.
  std::vector<uint8_t> types;   // SQFS_INODE_DIR .. SQFS_INODE_SOCKET, the basic ones
  std::vector<uint16_t> modes;  // permission bits
  std::vector<uint32_t> uids;
  std::vector<uint32_t> gids;
  std::vector<uint32_t> times;
  std::vector<uint32_t> linkCounts;
  std::vector<uint32_t> xattrSets;  // index into xattrs, or kNone
  /**
   * By type: of a directory the index of its first entry, of a symlink the offset of its target in `names`,
   * of a device its number as on disk, of a file the index of its source.
   */
  std::vector<uint32_t> references;
  /** By type: count of entries, length of the target; 0 otherwise. */
  std::vector<uint32_t> counts;
  /** Of directories: number of the parent's inode; of the root one more than the count of inodes. */
  std::vector<uint32_t> parents;

  // Of every directory entry; those of one directory stand together, sorted.
  std::vector<uint32_t> entryInodes;       // index of the inode
  std::vector<uint32_t> entryNameOffsets;  // into `names`, one more than entries: the end of the last
  std::vector<uint8_t> names;

  // Of every file's content, in path order.
  std::vector<uint32_t> sourceInodes;
  std::vector<uint32_t> sourcePaths;  // index into `paths`, or kNone for the spool
  std::vector<double> sourceOffsets;
  std::vector<double> sourceSizes;
  std::vector<uint32_t> sourceGroups;  // files of equal rank (by extension) are alike
  std::vector<uint32_t> pathOffsets;   // into pathNames, one more than paths
  std::vector<uint8_t> pathNames;
  int spoolFd = -1;

  std::vector<std::vector<Xattr>> xattrs;

  // Parameters.
  CompressorSettings compressor;
  uint32_t imageTime = 0;
  uint32_t workers = 1;
  uint32_t padTo = 0;  // 0: no padding
  bool exportTable = false;
  bool fragments = true;
  /** Tails of files longer than a block go into fragments when they are at most this long. */
  uint32_t tailEndLimit = 0;
  bool similarity = true;
  uint32_t similarityMoves = 0;  // 0: chosen from the input
  uint32_t seed = 0;
  std::string outputPath;  // empty: into memory
  std::string partialPath;
};

/** Where the content of one file stands. Files with equal content share everything. */
struct FilePlace {
  uint64_t start = 0;        // of the first stored block, bytes from the start of the image
  uint64_t sparseBytes = 0;  // in blocks that are holes
  uint32_t firstBlock = 0;   // index into PackResult::blockSizes
  uint32_t blockCount = 0;
  uint32_t fragment = kNone;
  uint32_t fragmentOffset = 0;
};

/** What the run made. */
struct PackResult {
  std::vector<FilePlace> files;      // in the order of the job's sources
  std::vector<uint32_t> blockSizes;  // stored sizes; bit 24: not compressed; 0: hole
  std::vector<uint64_t> fragmentStarts;
  std::vector<uint32_t> fragmentSizes;  // as blockSizes
  uint64_t duplicateFiles = 0;
  uint64_t duplicateBytes = 0;
  uint64_t encodeCount = 0;
  uint64_t bytesUsed = 0;
  uint64_t size = 0;
  uint64_t dataStart = 0;
  uint64_t inodeTableStart = 0;
  uint64_t directoryTableStart = 0;
  uint64_t fragmentTableStart = 0;
  uint64_t exportTableStart = 0;
  uint64_t idTableStart = 0;
  uint64_t xattrTableStart = 0;
  uint32_t uidCount = 0;
  std::vector<uint8_t> bytes;  // when there was no path
};

}  // namespace firmwright
