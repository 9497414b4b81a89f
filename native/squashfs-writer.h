// The writer's face to JS: a pack run on a thread of its own.
#pragma once

#include <napi.h>

namespace firmwright {

/**
 * `startPack(job)` starts a run and returns `{ result, cancel(), bytesDone() }`: a promise of the result, a
 * request to stop, and the bytes of content written so far. The job is copied; the thread is joined before
 * the promise settles and when the environment ends.
 */
Napi::Value startPack(const Napi::CallbackInfo& info);

}  // namespace firmwright
