// Looks at every content once before anything is written: equal files, classes, features of tails.
#pragma once

#include <cstdint>
#include <vector>

#include "squashfs-content.h"
#include "squashfs-similarity.h"
#include "squashfs-source.h"

namespace firmwright {

/** What the scan knows of one source. */
struct ScannedFile {
  uint32_t original = kNone;  // the earlier source with the same content
  uint32_t blockCount = 0;    // blocks outside fragments, a short last one included
  uint32_t tailSize = 0;      // bytes that go into a fragment
};

/** Result of the scan. */
struct Scan {
  std::vector<ScannedFile> files;               // one a source
  std::vector<Tail> tails;                      // of files that have one and are no duplicates, in path order
  std::vector<std::vector<uint8_t>> tailBytes;  // beside `tails`; empty where memory was not spent on it
  uint32_t featureDistance = 8;
};

/** Reads what must be known of all sources. Throws Failure. */
Scan scanSources(const PackJob& job, const PackControl& control);

}  // namespace firmwright
