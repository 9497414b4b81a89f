// What goes wrong inside the addons: one exception, carried from any thread to JS, where it becomes an Error
// with a `code` of tools/core/error-codes.ts. Only error.cc builds JS errors.
#pragma once

#include <napi.h>

#include <cerrno>
#include <exception>
#include <new>
#include <string>

namespace firmwright {

/** Kinds of failure; each has its own error code. */
enum class FailureKind {
  kLibrary,    // a library answered an error; `library` holds its own code name
  kSystem,     // a system call failed; `errorNumber` holds errno
  kCancelled,  // the caller asked to stop
  kDamaged,    // compressed data is damaged or ends early
  kLimit,      // compressed data holds more than the caller allows
  kArgument,   // TypeScript handed over something it should have refused
};

/** A failure of one step, with what is known of it. */
struct Failure : std::exception {
  FailureKind kind = FailureKind::kLibrary;
  std::string step;         // what was being done, as a verb phrase
  std::string library;      // code name of the library, such as SQFS_ERROR_CORRUPTED
  std::string path;         // file of the host, when one is concerned
  int errorNumber = 0;      // errno of a system call
  std::string description;  // for what()

  Failure(FailureKind kind, std::string step, std::string library, int errorNumber, std::string path);
  const char* what() const noexcept override { return description.c_str(); }
};

/** Makes the failure of a library, or of data it does not take, with the library's own name of the code. */
inline Failure failed(FailureKind kind, const std::string& library, const std::string& step) {
  return Failure(kind, step, library, 0, "");
}

/** Makes the failure of a system call from errno. */
Failure systemFailure(const std::string& step, const std::string& path, int errorNumber);

/** Builds the JS error: `code`, and `step`, `library`, `errno` (name), `path` where they are known. */
Napi::Error toJs(Napi::Env env, const Failure& failure);

/** Runs the body of a function of an addon; a failure of it becomes a JS error. */
template <typename Body>
auto guarded(Napi::Env env, Body body) {
  try {
    return body();
  } catch (const Failure& failure) {
    throw toJs(env, failure);
  } catch (const std::bad_alloc&) {
    throw toJs(env, systemFailure("allocate memory", "", ENOMEM));
  }
}

}  // namespace firmwright
