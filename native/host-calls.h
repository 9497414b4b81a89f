#pragma once

#include <napi.h>

namespace firmwright {

/** Adds `calls` to the exports: system calls that answer errnos; types in tools/addon/host-calls.ts. */
void addHostCalls(Napi::Env env, Napi::Object exports);

}  // namespace firmwright
