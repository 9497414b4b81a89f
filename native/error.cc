#include "error.h"

#include <cstring>
#include <utility>

namespace firmwright {

namespace {

const char* codeOf(FailureKind kind) {
  switch (kind) {
    case FailureKind::kSystem:
      return "FW_NATIVE_SYSTEM";
    case FailureKind::kCancelled:
      return "FW_NATIVE_CANCELLED";
    case FailureKind::kDamaged:
      return "FW_NATIVE_DECOMPRESS";
    case FailureKind::kLimit:
      return "FW_NATIVE_DECOMPRESS_LIMIT";
    case FailureKind::kArgument:
      return "FW_NATIVE_ARGUMENT";
    case FailureKind::kLibrary:
      break;
  }
  return "FW_NATIVE_LIBRARY";
}

}  // namespace

Failure::Failure(FailureKind kindArg, std::string stepArg, std::string libraryArg, int errorNumberArg,
                 std::string pathArg)
    : kind(kindArg),
      step(std::move(stepArg)),
      library(std::move(libraryArg)),
      path(std::move(pathArg)),
      errorNumber(errorNumberArg) {
  description = step;
  if (!path.empty()) description += " '" + path + "'";
  if (!library.empty()) description += ": " + library;
  if (errorNumber != 0) description += std::string(": ") + strerror(errorNumber);
}

Failure systemFailure(const std::string& step, const std::string& path, int errorNumber) {
  return Failure(FailureKind::kSystem, step, "", errorNumber, path);
}

Napi::Error toJs(Napi::Env env, const Failure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.what());
  error.Set("code", codeOf(failure.kind));
  error.Set("step", failure.step);
  if (!failure.library.empty()) error.Set("library", failure.library);
  if (!failure.path.empty()) error.Set("path", failure.path);
  if (failure.errorNumber != 0) {
    const char* name = strerrorname_np(failure.errorNumber);
    error.Set("errno", name != nullptr ? name : std::to_string(failure.errorNumber));
  }
  return error;
}

}  // namespace firmwright
