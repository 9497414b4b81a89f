// RAII for the objects of libsquashfs, which all start with a destroy function.
#pragma once

#include <sqfs/predef.h>

#include <memory>

namespace firmwright {

struct SqfsDestroy {
  void operator()(void* object) const { sqfs_destroy(object); }
};

/** Owns one libsquashfs object. */
template <typename T>
using SqfsHandle = std::unique_ptr<T, SqfsDestroy>;

}  // namespace firmwright
