// Second half of a pack run: inodes, directories and tables.
#pragma once

#include <sqfs/super.h>

#include "squashfs-content.h"
#include "squashfs-job.h"
#include "squashfs-output.h"

namespace firmwright {

/** Writes everything behind the contents and fills in the super block (not written here). Throws Failure. */
void packMetadata(const PackJob& job, SquashfsOutput& output, PackControl& control, sqfs_super_t& super,
                  const PackResult& result);

}  // namespace firmwright
