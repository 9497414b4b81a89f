// Reads a whole archive (libarchive), free of JavaScript: entries into memory, contents into one spool file,
// or into one buffer where they are small.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace firmwright {

/** One entry as archived; names are bytes. */
struct ArchivedEntry {
  std::string path;
  std::string linkTarget;  // of a symlink or hard link
  bool hardlink = false;
  uint32_t type = 0;  // S_IFMT bits, 0 when the archive has none
  uint32_t mode = 0;  // 07777
  int64_t uid = 0, gid = 0;
  int64_t mtimeSeconds = 0;
  uint32_t mtimeNanoseconds = 0;
  uint32_t rdevMajor = 0, rdevMinor = 0;
  bool hasData = false;
  uint64_t size = 0;
  uint64_t spoolOffset = 0;
  bool acl = false;  // an ACL was archived, which is not kept
  std::vector<std::pair<std::string, std::vector<uint8_t>>> xattrs;
};

/** One reading, its limits, and what it gave. */
struct ArchiveReadJob {
  // The input: a file of the host, or bytes when the path is empty.
  std::string path;
  std::vector<uint8_t> bytes;
  // Where contents go: a new file of the host, or `contents` when the path is empty.
  std::string spoolPath;
  uint64_t contentLimit = 0;  // of all files together, holes counted
  uint64_t entryLimit = 0;

  std::vector<ArchivedEntry> entries;
  std::vector<uint8_t> contents;
  std::vector<std::string> warnings;
  std::string format;  // libarchive's name of the format

  /** Reads it all; throws Failure. `cancelled` is looked at between blocks. */
  void run(const std::atomic<uint32_t> *cancelled);
};

}  // namespace firmwright
