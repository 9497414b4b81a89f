#include "squashfs-check.h"

#include <sqfs/error.h>

#include "error.h"

namespace firmwright {

const char* sqfsErrorName(int code) {
  switch (code) {
    case SQFS_ERROR_ALLOC:
      return "SQFS_ERROR_ALLOC";
    case SQFS_ERROR_IO:
      return "SQFS_ERROR_IO";
    case SQFS_ERROR_COMPRESSOR:
      return "SQFS_ERROR_COMPRESSOR";
    case SQFS_ERROR_INTERNAL:
      return "SQFS_ERROR_INTERNAL";
    case SQFS_ERROR_CORRUPTED:
      return "SQFS_ERROR_CORRUPTED";
    case SQFS_ERROR_UNSUPPORTED:
      return "SQFS_ERROR_UNSUPPORTED";
    case SQFS_ERROR_OVERFLOW:
      return "SQFS_ERROR_OVERFLOW";
    case SQFS_ERROR_OUT_OF_BOUNDS:
      return "SQFS_ERROR_OUT_OF_BOUNDS";
    case SFQS_ERROR_SUPER_MAGIC:
      return "SQFS_ERROR_SUPER_MAGIC";
    case SFQS_ERROR_SUPER_VERSION:
      return "SQFS_ERROR_SUPER_VERSION";
    case SQFS_ERROR_SUPER_BLOCK_SIZE:
      return "SQFS_ERROR_SUPER_BLOCK_SIZE";
    case SQFS_ERROR_NOT_DIR:
      return "SQFS_ERROR_NOT_DIR";
    case SQFS_ERROR_NO_ENTRY:
      return "SQFS_ERROR_NO_ENTRY";
    case SQFS_ERROR_LINK_LOOP:
      return "SQFS_ERROR_LINK_LOOP";
    case SQFS_ERROR_NOT_FILE:
      return "SQFS_ERROR_NOT_FILE";
    case SQFS_ERROR_ARG_INVALID:
      return "SQFS_ERROR_ARG_INVALID";
    case SQFS_ERROR_SEQUENCE:
      return "SQFS_ERROR_SEQUENCE";
    default:
      return "SQFS_ERROR_UNKNOWN";
  }
}

int check(int code, const char* step, const std::string& path) {
  if (code < 0) throw Failure(FailureKind::kLibrary, step, sqfsErrorName(code), 0, path);
  return code;
}

}  // namespace firmwright
