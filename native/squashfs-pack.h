// One whole pack run, free of JS.
#pragma once

#include "squashfs-content.h"
#include "squashfs-job.h"

namespace firmwright {

/** Writes the image that the job describes; leaves no file behind when it throws Failure. */
void packImage(const PackJob& job, PackControl& control, PackResult& result);

}  // namespace firmwright
