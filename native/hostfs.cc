// System calls on files of the host that Node lacks: xattrs, device nodes, times in nanoseconds, rename with
// flags, holes, preallocation, locks. Paths are bytes. Everything is synchronous and keeps no state.
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "arguments.h"
#include "error.h"
#include "host-calls.h"

namespace firmwright {

namespace {

/** Reads a path: bytes without NUL. */
std::string pathArgument(const Napi::CallbackInfo &info, size_t index) {
  auto bytes = bytesArgument(info, index);
  std::string path(bytes.begin(), bytes.end());
  if (path.find('\0') != std::string::npos) throw systemFailure("read a path", path.c_str(), EINVAL);
  return path;
}

int descriptorArgument(const Napi::CallbackInfo &info, size_t index) {
  return static_cast<int>(integerArgument(info, index, INT32_MAX));
}

/** Runs one call; a failure of it, or of its arguments, becomes a JavaScript error. */
template <typename Work>
Napi::Value guarded(const Napi::CallbackInfo &info, Work work) {
  try {
    return work();
  } catch (const Failure &failure) {
    throw toJs(info.Env(), failure);
  }
}

void expectDone(int result, const char *step, const std::string &path) {
  if (result != 0) throw systemFailure(step, path, errno);
}

/** Largest value or list of names that Linux has (XATTR_SIZE_MAX). */
constexpr size_t kXattrSizeMax = 65536;

/** Calls a function that fills a buffer and says how much it needs, until the answer fits. */
template <typename Call>
std::vector<uint8_t> readGrowing(Call call, const char *step, const std::string &path) {
  std::vector<uint8_t> buffer(256);
  for (;;) {
    ssize_t size = call(buffer.data(), buffer.size());
    if (size >= 0) {
      buffer.resize(static_cast<size_t>(size));
      return buffer;
    }
    if (errno != ERANGE) throw systemFailure(step, path, errno);
    // The value may grow between two calls, so the size is doubled and not asked for.
    if (buffer.size() > kXattrSizeMax) throw systemFailure(step, path, E2BIG);
    buffer.resize(buffer.size() * 4);
  }
}

Napi::Value ListXattr(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    std::string path = pathArgument(info, 0);
    auto names = readGrowing(
        [&](uint8_t *data, size_t size) {
          return llistxattr(path.c_str(), reinterpret_cast<char *>(data), size);
        },
        "list extended attributes of", path);
    return newBytes(info.Env(), names.data(), names.size());
  });
}

Napi::Value GetXattr(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    std::string path = pathArgument(info, 0), name = pathArgument(info, 1);
    auto value = readGrowing(
        [&](uint8_t *data, size_t size) { return lgetxattr(path.c_str(), name.c_str(), data, size); },
        "read an extended attribute of", path);
    return newBytes(info.Env(), value.data(), value.size());
  });
}

Napi::Value SetXattr(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    std::string path = pathArgument(info, 0), name = pathArgument(info, 1);
    auto value = bytesArgument(info, 2);
    int flags = static_cast<int>(integerArgument(info, 3, XATTR_CREATE | XATTR_REPLACE));
    expectDone(lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), flags),
               "set an extended attribute of", path);
    return info.Env().Undefined();
  });
}

Napi::Value RemoveXattr(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    std::string path = pathArgument(info, 0), name = pathArgument(info, 1);
    expectDone(lremovexattr(path.c_str(), name.c_str()), "remove an extended attribute of", path);
    return info.Env().Undefined();
  });
}

Napi::Value MakeNode(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    std::string path = pathArgument(info, 0);
    auto mode = static_cast<mode_t>(integerArgument(info, 1, 0177777));
    dev_t device = makedev(static_cast<unsigned>(integerArgument(info, 2, UINT32_MAX)),
                           static_cast<unsigned>(integerArgument(info, 3, UINT32_MAX)));
    expectDone(mknod(path.c_str(), mode, device), "make node", path);
    return info.Env().Undefined();
  });
}

timespec timeArgument(const Napi::CallbackInfo &info, size_t index) {
  if (index >= info.Length() || info[index].IsUndefined()) return {0, UTIME_OMIT};
  int64_t ns = bigintArgument(info, index);
  int64_t seconds = ns / 1000000000, rest = ns % 1000000000;
  if (rest < 0) {
    seconds -= 1;
    rest += 1000000000;
  }
  return {static_cast<time_t>(seconds), static_cast<long>(rest)};
}

Napi::Value SetTimes(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    std::string path = pathArgument(info, 0);
    timespec times[2] = {timeArgument(info, 1), timeArgument(info, 2)};
    expectDone(utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), "set times of", path);
    return info.Env().Undefined();
  });
}

Napi::Value Rename(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    std::string from = pathArgument(info, 0), to = pathArgument(info, 1);
    auto flags = static_cast<unsigned>(integerArgument(info, 2, 7));
    expectDone(renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags), "rename", from);
    return info.Env().Undefined();
  });
}

Napi::Value LinkDescriptor(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    // AT_EMPTY_PATH would need a capability; the way through /proc does not.
    std::string from = "/proc/self/fd/" + std::to_string(descriptorArgument(info, 0)),
                to = pathArgument(info, 1);
    expectDone(linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW), "link", to);
    return info.Env().Undefined();
  });
}

Napi::Value Seek(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    int descriptor = descriptorArgument(info, 0);
    auto offset = static_cast<off_t>(integerArgument(info, 1));
    off_t found = lseek(descriptor, offset, integerArgument(info, 2, 1) != 0 ? SEEK_HOLE : SEEK_DATA);
    if (found < 0) throw systemFailure("seek", "", errno);
    return Napi::Number::New(info.Env(), static_cast<double>(found));
  });
}

Napi::Value Fallocate(const Napi::CallbackInfo &info) {
  return guarded(info, [&] {
    int descriptor = descriptorArgument(info, 0);
    auto mode = static_cast<int>(integerArgument(info, 1, 0xff));
    auto offset = static_cast<off_t>(integerArgument(info, 2));
    auto length = static_cast<off_t>(integerArgument(info, 3));
    expectDone(fallocate(descriptor, mode, offset, length), "allocate", "");
    return info.Env().Undefined();
  });
}

Napi::Value Flock(const Napi::CallbackInfo &info) {
  return guarded(info, [&]() -> Napi::Value {
    int result = flock(descriptorArgument(info, 0), static_cast<int>(integerArgument(info, 1, 15)) | LOCK_NB);
    if (result == 0) return Napi::Boolean::New(info.Env(), true);
    if (errno == EWOULDBLOCK) return Napi::Boolean::New(info.Env(), false);
    throw systemFailure("lock", "", errno);
  });
}

}  // namespace

}  // namespace firmwright

static Napi::Object InitHostfs(Napi::Env env, Napi::Object exports) {
  using namespace firmwright;
  exports.Set("listXattr", Napi::Function::New(env, ListXattr));
  exports.Set("getXattr", Napi::Function::New(env, GetXattr));
  exports.Set("setXattr", Napi::Function::New(env, SetXattr));
  exports.Set("removeXattr", Napi::Function::New(env, RemoveXattr));
  exports.Set("makeNode", Napi::Function::New(env, MakeNode));
  exports.Set("setTimes", Napi::Function::New(env, SetTimes));
  exports.Set("rename", Napi::Function::New(env, Rename));
  exports.Set("linkDescriptor", Napi::Function::New(env, LinkDescriptor));
  exports.Set("seek", Napi::Function::New(env, Seek));
  exports.Set("fallocate", Napi::Function::New(env, Fallocate));
  exports.Set("flock", Napi::Function::New(env, Flock));
  addHostCalls(env, exports);
  return exports;
}

NODE_API_MODULE(firmwright_hostfs, InitHostfs)
