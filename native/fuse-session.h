// A FUSE session on libfuse3's low-level API, served from Node's own loop.
//
// The device is polled by libuv and read without blocking; each request is parsed by libfuse, handed to a
// JavaScript handler, and answered before the next one is read. There is no second thread, hence no lock and
// no hop between threads: a request costs one read and one write. The layers answer at once, so a handler
// never waits.
//
// Replies of fixed shape travel through a block of memory shared with JavaScript (see kSlot... and
// tools/fuse/reply-block.ts); bytes and names are returned by the handler itself.
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <napi.h>
#include <uv.h>

#include <array>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace firmwright {

/** What the kernel may ask; each is a method of the handler object in JavaScript. */
enum class FuseCall {
  kLookup,
  kForget,
  kGetattr,
  kSetattr,
  kReadlink,
  kMknod,
  kMkdir,
  kTmpfile,
  kUnlink,
  kRmdir,
  kSymlink,
  kRename,
  kLink,
  kOpen,
  kRead,
  kWrite,
  kFsync,
  kReaddir,
  kStatfs,
  kSetxattr,
  kGetxattr,
  kListxattr,
  kRemovexattr,
  kFallocate,
  kCopyFileRange,
  kLseek,
  kCount,
};

/** Names of the handlers, in the order of FuseCall. */
extern const std::array<const char*, static_cast<size_t>(FuseCall::kCount)> kFuseCallNames;

// Slots of 8 bytes in the reply block. Times are int64 nanoseconds, everything else is a double.
constexpr size_t kSlotNode = 0, kSlotGeneration = 1, kSlotIno = 2, kSlotSize = 3, kSlotBlocks = 4,
                 kSlotMode = 5, kSlotLinks = 6, kSlotUid = 7, kSlotGid = 8, kSlotMajor = 9, kSlotMinor = 10,
                 kSlotAtime = 11, kSlotMtime = 12, kSlotCtime = 13, kSlotEntryTimeout = 14,
                 kSlotAttrTimeout = 15, kSlotNameOffset = 16, kSlotNameLength = 17, kSlotCookie = 18,
                 kSlotsOfEntry = 20;

/** Asks for fields of a setattr request that are set: the slots of the request that follow the mask. */
constexpr int kSetMode = 1, kSetUid = 2, kSetGid = 4, kSetSize = 8, kSetAtime = 16, kSetMtime = 32;

/** One mounted file system; lives until the kernel lets go of the mount. */
class FuseSession {
 public:
  /** How a session is mounted. */
  struct Options {
    std::vector<std::string> arguments;  // of libfuse: -o and so on
    std::string mountPoint;
  };

  /** Memory shared with JavaScript: answers of fixed shape, requests, and bytes that were read. */
  struct Memory {
    Napi::Uint8Array block, receive, send;
  };

  FuseSession(Napi::Env env, const Options& options, Napi::Object handlers, Memory memory,
              Napi::Function onEnd);
  ~FuseSession();
  FuseSession(const FuseSession&) = delete;
  FuseSession& operator=(const FuseSession&) = delete;

  /** Takes the mount away at once, also a busy one; requests under way fail. */
  void abort();

  /** Calls a handler; returns the errno (0: done). A thrown error or a missing handler is EIO or ENOSYS. */
  int call(FuseCall which, std::initializer_list<napi_value> arguments, Napi::Value* result = nullptr);

  Napi::Env env() const { return env_; }
  const uint8_t* block() const { return block_; }
  double slot(size_t index) const { return reinterpret_cast<const double*>(block_)[index]; }
  int64_t time(size_t index) const { return reinterpret_cast<const int64_t*>(block_)[index]; }
  struct stat attributes(size_t base = 0) const;
  fuse_entry_param entry(size_t base = 0) const;
  /** Bytes of a write request as a view of the receive buffer, valid during the call. */
  Napi::Value received(const char* data, size_t size) const;
  /** Where a read handler puts the bytes; their count is in slot 0. */
  const char* sent() const { return reinterpret_cast<const char*>(send_); }
  std::string& scratch() { return scratch_; }

 private:
  static void onReadable(uv_poll_t* handle, int status, int events);
  static void onEnvironmentEnd(void* self);
  void serve();
  void end(bool callBack);

  Napi::Env env_;
  std::array<Napi::FunctionReference, static_cast<size_t>(FuseCall::kCount)> handlers_;
  Napi::FunctionReference onEnd_;
  Napi::Reference<Napi::Uint8Array> blockReference_;
  Napi::Reference<Napi::Uint8Array> receiveReference_;
  Napi::Reference<Napi::Uint8Array> sendReference_;
  std::unique_ptr<Napi::AsyncContext> context_;
  uint8_t* block_ = nullptr;
  uint8_t* send_ = nullptr;
  fuse_buf buffer_{};
  fuse_session* session_ = nullptr;
  uv_poll_t* poll_ = nullptr;
  std::string scratch_;
  bool mounted_ = false;
};

/** Answers a request for a file without a name; false when the request is another one, which libfuse knows.
 */
bool answerTmpfile(FuseSession& session, const void* request, size_t size, int fd);

/** The requests that a session serves. */
const fuse_lowlevel_ops& fuseOperations();

}  // namespace firmwright
