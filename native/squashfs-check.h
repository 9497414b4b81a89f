// Return codes of libsquashfs, checked at every call.
#pragma once

#include <string>

namespace firmwright {

/** Name of a libsquashfs code, as its header spells it. */
const char* sqfsErrorName(int code);

/** Passes results from 0 up through; throws Failure with the library's name of a negative one. */
int check(int code, const char* step, const std::string& path = "");

/** Throws Failure SQFS_ERROR_ALLOC when a create function answered NULL. */
template <typename T>
T* checkCreated(T* object, const char* step) {
  if (object == nullptr) check(-1, step);
  return object;
}

}  // namespace firmwright
