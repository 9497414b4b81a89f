// First half of a pack run: contents of files become data blocks and fragment blocks.
#pragma once

#include "squashfs-control.h"
#include "squashfs-job.h"
#include "squashfs-output.h"

namespace firmwright {

/**
 * Writes all contents to the output and notes in `result` where each stands. Throws Failure.
 *
 * Files with equal content are stored once. Tails go into fragment blocks, ordered by similarity when the job
 * says so.
 */
void packContents(const PackJob& job, SquashfsOutput& output, PackControl& control, PackResult& result);

/** Throws Failure kCancelled when the caller has asked to stop, and the failure of a compressor if there was
 * one. */
void throwIfCancelled(const PackControl& control);

/** Writes a libsquashfs code as Failure, preferring the output's errno and the cancel flag over the bare
 * number. */
int checkOutput(int code, const char* step, const SquashfsOutput& output, const PackControl& control);

}  // namespace firmwright
