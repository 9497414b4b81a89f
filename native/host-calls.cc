// System calls on files of the host, for tools/addon/host-calls.ts: each answers an errno instead of
// throwing, since a failure is an ordinary answer there and comes a million times. Paths and names are byte
// strings, one byte a character. Everything is synchronous and keeps no state.
//
// `follow` says whether a symbolic link at the end of a path is followed; it is set for /proc/self/fd/N only,
// which reaches an object that has lost its name.
#include <dirent.h>
#include <fcntl.h>
#include <napi.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace firmwright {

namespace {

using Info = const Napi::CallbackInfo&;

std::string text(Info info, size_t index) {
  size_t length = 0;
  napi_get_value_string_latin1(info.Env(), info[index], nullptr, 0, &length);
  std::string value(length, '\0');
  napi_get_value_string_latin1(info.Env(), info[index], value.data(), length + 1, &length);
  return value;
}

int integer(Info info, size_t index) { return info[index].As<Napi::Number>().Int32Value(); }
uint32_t natural(Info info, size_t index) { return info[index].As<Napi::Number>().Uint32Value(); }
off_t offset(Info info, size_t index) {
  return static_cast<off_t>(info[index].As<Napi::Number>().Int64Value());
}
bool flag(Info info, size_t index) { return info[index].As<Napi::Boolean>().Value(); }

Napi::Value number(Info info, double value) { return Napi::Number::New(info.Env(), value); }
/** 0, or the errno of a call that returned −1. */
Napi::Value answer(Info info, int result) { return number(info, result < 0 ? errno : 0); }
/** A count or descriptor, or the negative errno. */
Napi::Value counted(Info info, ssize_t result) {
  return number(info, result < 0 ? -errno : static_cast<double>(result));
}
Napi::Value bytes(Info info, const void* data, size_t size) {
  auto array = Napi::Uint8Array::New(info.Env(), size);
  if (size > 0) memcpy(array.Data(), data, size);
  return array;
}
Napi::Value byteString(Info info, const char* data, size_t size) {
  napi_value value = nullptr;
  napi_create_string_latin1(info.Env(), data, size, &value);
  return {info.Env(), value};
}

timespec timeArgument(Info info, size_t index) {
  if (!info[index].IsBigInt()) return {0, UTIME_OMIT};
  bool lossless = false;
  int64_t ns = info[index].As<Napi::BigInt>().Int64Value(&lossless);
  int64_t seconds = ns / 1'000'000'000, rest = ns % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    seconds -= 1;
  }
  return {static_cast<time_t>(seconds), static_cast<long>(rest)};
}

int64_t nanoseconds(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

/** Slots of 8 bytes for the attributes of one object: doubles, then three times as int64. */
constexpr size_t kSlotsOfAttributes = 13;

void putAttributes(const struct stat& found, double* slots) {
  slots[0] = static_cast<double>(found.st_dev);
  slots[1] = static_cast<double>(found.st_ino);
  slots[2] = found.st_mode;
  slots[3] = static_cast<double>(found.st_nlink);
  slots[4] = found.st_uid;
  slots[5] = found.st_gid;
  slots[6] = major(found.st_rdev);
  slots[7] = minor(found.st_rdev);
  slots[8] = static_cast<double>(found.st_size);
  slots[9] = static_cast<double>(found.st_blocks);
  auto* times = reinterpret_cast<int64_t*>(slots);
  times[10] = nanoseconds(found.st_atim);
  times[11] = nanoseconds(found.st_mtim);
  times[12] = nanoseconds(found.st_ctim);
}

/** stat(path, follow, block): device, ino, mode, nlink, uid, gid, major, minor, size, blocks, then three
 * times. */
Napi::Value Stat(Info info) {
  struct stat found {};
  if (fstatat(AT_FDCWD, text(info, 0).c_str(), &found, flag(info, 1) ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
    return number(info, errno);
  putAttributes(found, info[2].As<Napi::Float64Array>().Data());
  return number(info, 0);
}

/** list(path): names, each ended by NUL, and the attributes of each in the slots of stat; or an errno. */
Napi::Value List(Info info) {
  std::string path = text(info, 0);
  int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOATIME);
  // Only the owner may ask for O_NOATIME.
  if (fd < 0 && errno == EPERM) fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return number(info, errno);
  DIR* directory = fdopendir(fd);
  std::string names;
  std::vector<double> attributes;
  int refused = 0;
  errno = 0;
  while (dirent* entry = readdir(directory)) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    struct stat found {};
    // A name that went meanwhile is not listed.
    if (fstatat(fd, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0) {
      names.append(entry->d_name, strlen(entry->d_name) + 1);
      attributes.resize(attributes.size() + kSlotsOfAttributes);
      putAttributes(found, &attributes[attributes.size() - kSlotsOfAttributes]);
    } else if (errno != ENOENT && refused == 0) {
      refused = errno;
    }
    errno = 0;
  }
  int error = errno;
  closedir(directory);
  if (error != 0) return number(info, error);
  Napi::Object listing = Napi::Object::New(info.Env());
  listing.Set("names", byteString(info, names.data(), names.size()));
  auto slots = Napi::Float64Array::New(info.Env(), attributes.size());
  if (!attributes.empty()) memcpy(slots.Data(), attributes.data(), attributes.size() * sizeof(double));
  listing.Set("attributes", slots);
  listing.Set("refused", number(info, refused));
  return listing;
}

Napi::Value Open(Info info) {
  return counted(info, open(text(info, 0).c_str(), integer(info, 1) | O_CLOEXEC, natural(info, 2)));
}
/** Calls that older headers do not name; the numbers are those of every architecture. */
constexpr long kOpenTree = 428, kMountSetattr = 442;

/** The folder in a mount of its own, in which nothing that is mounted beneath shows, now or later. */
Napi::Value OpenApart(Info info) {
  constexpr unsigned kClone = 1;
  long fd = syscall(kOpenTree, AT_FDCWD, text(info, 0).c_str(), kClone | O_CLOEXEC);
  if (fd < 0) return counted(info, fd);
  // Set, clear, propagation, user namespace. Refused before Linux 5.12, which passes no mount on into this one.
  const uint64_t attributes[4] = {0, 0, MS_PRIVATE, 0};
  syscall(kMountSetattr, fd, "", AT_EMPTY_PATH, attributes, sizeof attributes);
  return counted(info, fd);
}
Napi::Value Close(Info info) { return answer(info, close(integer(info, 0))); }

Napi::Value Read(Info info) {
  auto buffer = info[1].As<Napi::Uint8Array>();
  return counted(info, pread(integer(info, 0), buffer.Data(), buffer.ByteLength(), offset(info, 2)));
}
Napi::Value Write(Info info) {
  auto buffer = info[1].As<Napi::Uint8Array>();
  return counted(info, pwrite(integer(info, 0), buffer.Data(), buffer.ByteLength(), offset(info, 2)));
}
Napi::Value Seek(Info info) {
  return counted(info, lseek(integer(info, 0), offset(info, 1), flag(info, 2) ? SEEK_DATA : SEEK_HOLE));
}
Napi::Value Allocate(Info info) {
  return answer(info, fallocate(integer(info, 0), integer(info, 1), offset(info, 2), offset(info, 3)));
}
Napi::Value Flock(Info info) { return answer(info, flock(integer(info, 0), integer(info, 1))); }
Napi::Value Sync(Info info) { return answer(info, fsync(integer(info, 0))); }
Napi::Value SyncAll(Info info) { return answer(info, syncfs(integer(info, 0))); }

Napi::Value Unlink(Info info) { return answer(info, unlink(text(info, 0).c_str())); }
Napi::Value Rmdir(Info info) { return answer(info, rmdir(text(info, 0).c_str())); }
Napi::Value Mkdir(Info info) { return answer(info, mkdir(text(info, 0).c_str(), natural(info, 1))); }
Napi::Value Mknod(Info info) {
  return answer(info,
                mknod(text(info, 0).c_str(), natural(info, 1), makedev(natural(info, 2), natural(info, 3))));
}
Napi::Value Symlink(Info info) { return answer(info, symlink(text(info, 0).c_str(), text(info, 1).c_str())); }
Napi::Value Link(Info info) {
  return answer(info, linkat(AT_FDCWD, text(info, 0).c_str(), AT_FDCWD, text(info, 2).c_str(),
                             flag(info, 1) ? AT_SYMLINK_FOLLOW : 0));
}
Napi::Value Rename(Info info) {
  return answer(
      info, renameat2(AT_FDCWD, text(info, 0).c_str(), AT_FDCWD, text(info, 1).c_str(), natural(info, 2)));
}

Napi::Value Chmod(Info info) { return answer(info, chmod(text(info, 0).c_str(), natural(info, 1))); }
Napi::Value Chown(Info info) {
  // −1 leaves one of the two as it is.
  auto id = [&](size_t index) { return info[index].IsNumber() ? natural(info, index) : ~0U; };
  return answer(
      info, fchownat(AT_FDCWD, text(info, 0).c_str(), id(2), id(3), flag(info, 1) ? 0 : AT_SYMLINK_NOFOLLOW));
}
Napi::Value Truncate(Info info) { return answer(info, truncate(text(info, 0).c_str(), offset(info, 1))); }
Napi::Value SetTimes(Info info) {
  timespec times[2] = {timeArgument(info, 2), timeArgument(info, 3)};
  return answer(info,
                utimensat(AT_FDCWD, text(info, 0).c_str(), times, flag(info, 1) ? 0 : AT_SYMLINK_NOFOLLOW));
}

Napi::Value Readlink(Info info) {
  char target[4097];
  ssize_t length = readlink(text(info, 0).c_str(), target, sizeof target - 1);
  if (length < 0) return number(info, errno);
  return byteString(info, target, static_cast<size_t>(length));
}

Napi::Value Getxattr(Info info) {
  std::string path = text(info, 0), name = text(info, 2);
  auto get = flag(info, 1) ? getxattr : lgetxattr;
  char small[512];
  ssize_t size = get(path.c_str(), name.c_str(), small, sizeof small);
  if (size >= 0) return bytes(info, small, static_cast<size_t>(size));
  if (errno != ERANGE) return number(info, errno);
  std::vector<char> large(65536);
  size = get(path.c_str(), name.c_str(), large.data(), large.size());
  return size < 0 ? number(info, errno) : bytes(info, large.data(), static_cast<size_t>(size));
}
/** listxattr(path, follow): names, each ended by NUL, as a string: most objects have none, and an empty array is dear. */
Napi::Value Listxattr(Info info) {
  std::string path = text(info, 0);
  auto list = flag(info, 1) ? listxattr : llistxattr;
  // The kernel allocates as much as it is offered: little first, then the most that Linux lets a list be.
  char few[512];
  std::vector<char> many;
  char* names = few;
  ssize_t size = list(path.c_str(), few, sizeof few);
  if (size < 0 && errno == ERANGE) {
    many.resize(65536);
    names = many.data();
    size = list(path.c_str(), names, many.size());
  }
  if (size < 0) return number(info, errno);
  return byteString(info, names, static_cast<size_t>(size));
}
Napi::Value Setxattr(Info info) {
  auto value = info[3].As<Napi::Uint8Array>();
  auto set = flag(info, 1) ? setxattr : lsetxattr;
  return answer(info, set(text(info, 0).c_str(), text(info, 2).c_str(), value.Data(), value.ByteLength(),
                          integer(info, 4)));
}
Napi::Value Removexattr(Info info) {
  auto remove = flag(info, 1) ? removexattr : lremovexattr;
  return answer(info, remove(text(info, 0).c_str(), text(info, 2).c_str()));
}

Napi::Value Statfs(Info info) {
  struct statvfs found {};
  if (statvfs(text(info, 0).c_str(), &found) != 0) return number(info, errno);
  double* slots = info[1].As<Napi::Float64Array>().Data();
  slots[0] = static_cast<double>(found.f_frsize);
  slots[1] = static_cast<double>(found.f_blocks);
  slots[2] = static_cast<double>(found.f_bfree);
  slots[3] = static_cast<double>(found.f_bavail);
  slots[4] = static_cast<double>(found.f_files);
  slots[5] = static_cast<double>(found.f_ffree);
  slots[6] = static_cast<double>(found.f_namemax);
  return number(info, 0);
}

}  // namespace

}  // namespace firmwright

static Napi::Object InitHostfs(Napi::Env env, Napi::Object exports) {
  using namespace firmwright;
  Napi::Object calls = Napi::Object::New(env);
  auto add = [&](const char* name, Napi::Value (*call)(Info)) {
    calls.Set(name, Napi::Function::New(env, call, name));
  };
  add("stat", Stat);
  add("list", List);
  add("open", Open);
  add("openApart", OpenApart);
  add("close", Close);
  add("read", Read);
  add("write", Write);
  add("seek", Seek);
  add("allocate", Allocate);
  add("flock", Flock);
  add("sync", Sync);
  add("syncAll", SyncAll);
  add("unlink", Unlink);
  add("rmdir", Rmdir);
  add("mkdir", Mkdir);
  add("mknod", Mknod);
  add("symlink", Symlink);
  add("link", Link);
  add("rename", Rename);
  add("chmod", Chmod);
  add("chown", Chown);
  add("truncate", Truncate);
  add("setTimes", SetTimes);
  add("readlink", Readlink);
  add("getxattr", Getxattr);
  add("listxattr", Listxattr);
  add("setxattr", Setxattr);
  add("removexattr", Removexattr);
  add("statfs", Statfs);
  exports.Set("calls", calls);
  return exports;
}

NODE_API_MODULE(firmwright_hostfs, InitHostfs)
